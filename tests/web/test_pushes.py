"""What a push touches, as the three forges tell of it."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftwatch.domain.environment import Repository
from driftwatch.domain.model import Status
from driftwatch.domain.watched import Watched
from driftwatch.web.pushes import Push, find_repositories, normalise, parse_push, touched
from tests.builders import NOW
from tests.web.forges import SAMPLES, body, commit, gitea, github, gitlab

LIVE = Repository("live", "https://github.com/example/infrastructure")


def parse(payload: Any) -> Push:
    push = parse_push(body(payload))
    assert push is not None
    return push


def make_watched(name: str, directory: str, *directories: str, repository: str = "live") -> Watched:
    return Watched(
        environment=name,
        repository=repository,
        directory=directory,
        account="",
        owners=(),
        labels=(),
        schedule="every 1h",
        stale_after=86400.0,
        since=NOW,
        next_due=None,
        retry_at=None,
        failures=0,
        report=None,
        checked_at=None,
        status=Status.NEVER,
        worst=None,
        drifted=0,
        pending=0,
        snoozed=0,
        proven_at=None,
        in_sync_at=None,
        failure="",
        directories=directories,
    )


FLEET = (
    make_watched("prod", "environments/prod", "environments/prod", "modules/web"),
    make_watched("dev", "environments/dev"),
    make_watched("root", "."),
    make_watched("vendored", "live/net", "live/net", "vendor/net/vpc"),
    make_watched("elsewhere", "environments/prod", repository="other"),
)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/example/infrastructure",
        "https://github.com/Example/Infrastructure.git",
        "https://ana@github.com:443/example/infrastructure.git/",
        "http://github.com/example/infrastructure?x=1",
        "ssh://git@github.com:22/example/infrastructure.git",
        "ssh://git@ssh.github.com:443/example/infrastructure.git",
        "git@github.com:example/infrastructure.git",
        "github.com:example/infrastructure",
        "git://github.com/example/infrastructure.git",
        "git+ssh://git@github.com/example/infrastructure",
    ],
)
def test_however_a_repository_is_reached_it_has_one_name(url: str) -> None:
    assert normalise(url) == "github.com/example/infrastructure"


@pytest.mark.parametrize(
    "url", ["./infra", "/srv/infra", "file:///srv/infra", "", "https://", "https://host/", "x" * 99]
)
def test_a_local_path_has_no_name_that_a_forge_could_say(url: str) -> None:
    assert normalise(url) == ""


@pytest.mark.parametrize("forge", SAMPLES)
def test_files_of_all_commits_are_what_a_push_changed(forge: str) -> None:
    payload = SAMPLES[forge]("a.tf")
    payload["commits"] = [
        commit("a.tf", added=["b.tf"]),
        commit("a.tf", removed=["c.tf"], modified=None),
    ]
    for total in ("total_commits", "total_commits_count"):
        if total in payload:
            payload[total] = 2
    push = parse(payload)
    assert push.files == ("b.tf", "a.tf", "c.tf")
    assert push.whole


@pytest.mark.parametrize(
    "payload",
    [
        github("a.tf", forced=True),
        github("a.tf", created=True),
        github("a.tf", deleted=True, commits=[]),
        github("a.tf", size=3),
        github(),
        github("a.tf", commits=None),
        github("a.tf", commits=[commit()]),
        github(*[f"{at}.tf" for at in range(3000)]),
        github("a.tf", commits=[commit("a.tf")] * 2048),
        github("a.tf", before="0" * 40),
        gitlab("a.tf", total_commits_count=21),
        gitlab("a.tf", after="0" * 40),
        gitea("a.tf", total_commits=31),
    ],
)
def test_where_the_list_of_files_may_be_short_everything_counts_as_touched(payload: Any) -> None:
    push = parse(payload)
    assert not push.whole
    assert touched(push, FLEET, [LIVE]) == ["dev", "prod", "root", "vendored"]


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("environments/dev/main.tf", ["dev", "root"]),
        ("environments/developers/main.tf", ["root"]),
        ("modules/web/main.tf", ["prod", "root"]),
        ("modules/webhook/main.tf", ["root"]),
        ("README.md", ["root"]),
        ("vendor/net", ["root", "vendored"]),
        ("vendor", ["root", "vendored"]),
        ("./environments//dev/x.tf", ["dev", "root"]),
    ],
)
def test_an_environment_is_touched_by_its_own_folders_and_modules_alone(
    file: str, names: list[str]
) -> None:
    assert touched(parse(github(file)), FLEET, [LIVE]) == names


def test_a_repository_is_found_by_any_of_its_addresses_on_the_branch_that_is_watched() -> None:
    push = parse(github("a.tf"))
    ssh = Repository("ssh", "git@github.com:example/infrastructure.git")
    other = Repository("other", "https://github.com/example/other")
    mirror = Repository(
        "mirror", "/srv/mirror", web_url="https://github.com/example/infrastructure"
    )
    branch = Repository("branch", LIVE.url, branch="release")
    assert find_repositories(push, [LIVE, ssh, other, mirror, branch]) == [LIVE, ssh, mirror]


@pytest.mark.parametrize("sample", [github, gitea])
def test_the_homepage_that_an_owner_types_is_no_address_of_a_repository(sample: Any) -> None:
    payload = sample("a.tf")
    payload["repository"] = {
        "clone_url": "https://github.com/example/playground.git",
        "homepage": LIVE.url,
        "website": LIVE.url,
        "default_branch": "main",
    }
    assert find_repositories(parse(payload), [LIVE]) == []


def test_a_branch_that_nobody_names_default_is_better_checked_once_too_often() -> None:
    payload = github("a.tf", ref="refs/heads/trunk")
    del payload["repository"]["default_branch"]
    assert find_repositories(parse(payload), [LIVE]) == [LIVE]
    assert find_repositories(parse(github("a.tf", ref="refs/heads/trunk")), [LIVE]) == []


def test_a_tag_is_no_push_to_a_branch() -> None:
    assert parse_push(body(github("a.tf", ref="refs/tags/v1"))) is None


def test_a_form_holds_the_payload_in_a_field() -> None:
    form = urlencode({"payload": json.dumps(github("a.tf"))}).encode()
    push = parse_push(form, "application/x-www-form-urlencoded; charset=utf-8")
    assert push is not None
    assert push.files == ("a.tf",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"ref": 1}',
        b'{"ref": "refs/heads/main", "commits": {}}',
        b'{"ref": "refs/heads/main", "commits": [{"added": [1]}]}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"ref":' * 20_000,
    ],
)
def test_what_is_no_push_is_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(ValueError, match="no push"):
        parse_push(content)
    with pytest.raises(ValueError, match="no push"):
        parse_push(content, "application/x-www-form-urlencoded")


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Break a real-looking push: replace or drop what it holds, or damage its bytes."""
    payload = SAMPLES[draw(st.sampled_from(sorted(SAMPLES)))]("modules/web/main.tf")
    for _ in range(draw(st.integers(0, 3))):
        place: Any = payload
        while isinstance(place, dict) and place:
            key = draw(st.sampled_from(sorted(place)))
            if draw(st.booleans()) or not isinstance(place[key], dict):
                place[key] = draw(junk)
                break
            place = place[key]
    content = bytearray(json.dumps(payload).encode())
    for _ in range(draw(st.integers(0, 3))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return (
        bytes(content[: draw(st.integers(0, len(content)))])
        if draw(st.booleans())
        else bytes(content)
    )


@settings(max_examples=10_000, deadline=None)
@given(content=mutated(), kind=st.sampled_from(["application/json", "", "text/plain;;;"]))
def test_no_mutation_of_a_push_breaks_its_reader(content: bytes, kind: str) -> None:
    try:
        push = parse_push(content, kind)
    except ValueError:
        return
    if push is not None:
        repositories = find_repositories(push, [LIVE])
        assert set(touched(push, FLEET, repositories)) <= {"prod", "dev", "root", "vendored"}
