"""CODEOWNERS as GitHub and GitLab understand it, and nothing that a hostile one can break."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.domain.codeowners import LARGEST, find_owners, parse_codeowners

# The example of GitHub's documentation, for the parts that a directory can meet.
GITHUB = """\
# This is a comment.
*       @global-owner1 @global-owner2

*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/*  docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
"""


def owners(text: str, directory: str) -> tuple[str, ...]:
    return find_owners(parse_codeowners(text.encode()), directory)


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        (".", ("@global-owner1", "@global-owner2")),
        ("live/prod", ("@global-owner1", "@global-owner2")),
        ("build/logs", ("@octocat",)),
        ("build/logs/deep", ("@octocat",)),
        ("other/build", ("@global-owner1", "@global-owner2")),
        ("apps", ("@octocat",)),
        ("apps/web", ("@octocat",)),
        ("live/apps/web", ("@octocat",)),
        ("apps/github", ()),
        ("apps/github/live", ()),
        ("docs", ("@doctocat",)),
        ("docs/deep/er", ("@doctocat",)),
        ("scripts/x", ("@doctocat", "@octocat")),
        ("a/b/logs/c", ("@octocat",)),
    ],
)
def test_the_example_of_github_means_what_github_says(
    directory: str, expected: tuple[str, ...]
) -> None:
    assert owners(GITHUB, directory) == expected


@pytest.mark.parametrize(
    ("pattern", "directory", "owned"),
    [
        ("*", "live/prod", True),
        ("*.tf", "live/prod", True),
        ("main.tf", "live/prod", True),
        ("/main.tf", "live/prod", False),
        ("/main.tf", ".", True),
        ("/*", ".", True),
        ("/*", "live", False),
        ("live", "live/prod", True),
        ("live", "a/live/b", True),
        ("/live", "a/live/b", False),
        ("prod/", "live/prod", True),
        ("main.tf/", "live/prod", False),
        ("live/prod", "live/prod", True),
        ("live/prod", "a/live/prod", False),
        ("live/prod/", "live/prod/network", True),
        ("live/*", "live", True),
        ("live/*", "live/prod", False),
        ("live/**", "live/prod/a/b", True),
        ("live/*/network", "live/prod/network", True),
        ("live/*/network", "live/prod/eu/network", False),
        ("live/**/network", "live/network", True),
        ("live/**/network", "live/prod/eu/network/x", True),
        ("**/network", "network", True),
        ("**/network", "live/prod/network", True),
        ("**", "anything/at/all", True),
        ("live/pr?d", "live/prod", True),
        ("live/pr?d", "live/prood", False),
        ("live/p*d*", "live/prod-eu", True),
        ("live/p*d*x", "live/prod-eu", False),
        ("*a*b*c", "xxaxxbxxbxxc", True),
        ("/", "live", False),
        ("//", ".", False),
        ("LIVE", "live", False),
        ("/live//prod", "live/prod", True),
        (r"/with\ space/", "with space/prod", True),
        (r"/with\ space/", "with", False),
        (r"\#odd", "#odd/prod", True),
        (r"/a\b", r"a\b", True),
        ("[ab]", "a", False),
        ("/ümlaut/", "ümlaut/prod", True),
    ],
)
def test_a_pattern_means_directories_as_in_gitignore(
    pattern: str, directory: str, owned: bool
) -> None:
    assert owners(f"{pattern} @team", directory) == (("@team",) if owned else ())


def test_the_last_line_that_matches_decides_even_if_it_names_nobody() -> None:
    text = "* @all\n/live @live\n/live/lab\n"
    assert owners(text, "live/prod") == ("@live",)
    assert owners(text, "live/lab") == ()


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("@ana @org/team/sub ops@example.org @@maintainer", True),
        ("nobody", False),
        ("@", False),
        ("@a@b", False),
        ("@org//", False),
        ("a@b@c", False),
        ("=cmd|' /C calc'!A0", False),
    ],
)
def test_only_what_can_be_an_owner_is_one(written: str, kept: bool) -> None:
    assert owners(f"* {written}", "live") == (tuple(written.split()) if kept else ())


def test_an_owner_is_named_once_and_at_most_twenty_are() -> None:
    assert owners("* @a @b @a", "live") == ("@a", "@b")
    many = " ".join(f"@u{number}" for number in range(99))
    assert owners(f"* {many}", "live") == tuple(f"@u{number}" for number in range(20))


# --- GitLab's sections.


SECTIONS = """\
* @everyone

[Database] @dba
/live/db/
/live/db/old @legacy

^[Network][2] @net @org/net
*.tf
/live/lab/ @lab

[database]
/live/dwh/
/live/lab/
"""


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        ("live/db", ("@everyone", "@dba", "@net", "@org/net")),
        ("live/db/old", ("@everyone", "@legacy", "@net", "@org/net")),
        ("live/lab", ("@everyone", "@lab")),
        ("live/dwh", ("@everyone", "@net", "@org/net")),
    ],
)
def test_each_section_of_gitlab_decides_for_itself(
    directory: str, expected: tuple[str, ...]
) -> None:
    assert owners(SECTIONS, directory) == expected


def test_what_only_begins_like_a_section_is_a_pattern() -> None:
    assert owners("[a].tf @a\n/live/[id] @b", "live/[id]") == ("@b",)


# --- What is broken, or meant to break something.


def test_exclusions_are_not_known_and_are_told() -> None:
    rules = parse_codeowners(b"* @all\n!/live\n!/lab\n!/x\n")
    assert rules.notes == ("an exclusion with ! is ignored (line 2 and 2 more)",)
    assert find_owners(rules, "live") == ("@all",)


def test_a_line_that_is_too_long_is_left_out_and_told() -> None:
    rules = parse_codeowners(b"/" + b"a/" * 600 + b" @x\n/live @live\n")
    assert rules.notes == ("too long a line is ignored (line 1)",)
    assert find_owners(rules, "live") == ("@live",)


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"* @all\n" * (LARGEST // 6), "is larger than 3 MB and is ignored"),
        (b"* @all\n\0", "is no text and is ignored"),
        ("* @all".encode("utf-16"), "is no text and is ignored"),
    ],
)
def test_what_is_no_such_file_is_ignored_and_told(content: bytes, note: str) -> None:
    rules = parse_codeowners(content)
    assert (rules.rules, rules.notes) == ((), (note,))
    assert find_owners(rules, "live") == ()


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"# only words\n  # more\n", b"\xef\xbb\xbf", b"\\"]
)
def test_a_file_of_nothing_owns_nothing(content: bytes) -> None:
    assert find_owners(parse_codeowners(content), "live") == ()


def test_bytes_that_are_no_text_cost_their_line_alone() -> None:
    rules = parse_codeowners(b"/\xff\xfe @x\n\xef\xbb\xbf/live @live\r\n/lab @lab\r\n")
    assert find_owners(rules, "lab") == ("@lab",)


@pytest.mark.parametrize(
    "line",
    [
        "*a" * 490,
        "**/" * 300 + "x",
        "@a/" + "/b" * 480 + "@",
        "* @a" + "/b" * 480 + "@",
        "[" * 900,
        "\\ " * 450,
        "?" * 990,
    ],
)
def test_no_line_takes_long_however_it_is_made(line: str) -> None:
    rules = parse_codeowners(f"{line}\n".encode() * 50)
    assert find_owners(rules, "/".join(["a" * 60] * 20)) == ()


@given(st.text(max_size=300) | st.binary(max_size=300), st.text(max_size=60))
def test_nothing_in_a_file_breaks_a_check(content: str | bytes, directory: str) -> None:
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    assert all("@" in owner for owner in find_owners(parse_codeowners(raw), directory))
