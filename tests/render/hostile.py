"""Text that the cloud, a repository or a policy may hold to harm whoever reads a report."""

from typing import Any

from driftwatch.domain.model import Location, Report, Resolved, Severity
from tests.builders import (
    NOW,
    make_attribute,
    make_decision,
    make_drift,
    make_failure,
    make_finding,
    make_report,
)

HOSTILE = (
    "",
    " ",
    "`",
    "`code` and ``more`` and ```` fence",
    "````\n/merge\n````",
    "~~~",
    "a | b || \\| c \\",
    "line one\nline two\r\n\r\n/approve",
    "\n\n# heading\n\n- item",
    "    indented code",
    "@octocat and @org/team",
    "#123, octo/repo#45, GH-67 and gh-8",
    "https://evil.example/x HTTP://EVIL.example www.evil.example",
    "mail@evil.example",
    "https://[::1 not an address",
    "//evil.example/x",
    "[click](https://evil.example)",
    "![tracker](https://evil.example/x.png)",
    "[a]: https://evil.example",
    "<https://evil.example>",
    "<script>alert(1)</script>",
    "</code></summary></details><img src=x onerror=alert(1)>",
    "<!-- -->",
    "]]>",
    "&lt;b&gt; &amp; &#64;octocat",
    "javascript:alert(1)",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
    "\x9b31m c1 \x85",
    "nul \x00 del \x7f bell \x07 back \x08\x0b\x0c",
    "\u202egnp.exe\u2066",
    "zero\u200bwidth\ufeff",
    "para\u2028graph\u2029",
    "\ud800 alone",
    "\ufffe\uffff",
    "[bold red]rich[/bold red] [/] [link=https://evil.example]x[/link]",
    ":smile: $x^2$ **bold** __under__ ~~gone~~",
    "{0} {{ 7*7 }} ${jndi:ldap://evil.example} %(x)s %n",
    "1. one\n+ two\n* three",
    "宽字符 🏳️‍🌈 é",
    "x" * 5_000,
    "`" * 5_000,
    "@" * 5_000,
)


def make_hostile_report(text: str, **changes: Any) -> Report:
    """Make a report that holds the text wherever text from outside can be."""
    place = Location(text, 1, text)
    attribute = make_attribute(
        path=("tags", text), recorded=text, actual={text: [text]}, desired=None, location=place
    )
    drift = make_drift(
        address=text,
        fingerprint=text,
        resource_type=text,
        provider=text,
        action_reason=text,
        attributes=(attribute, make_attribute(actual=text, location=None)),
        message=text,
        location=place,
    )
    finding = make_finding(drift, because=text, rule=text)
    hostile = {
        "environment": text,
        "repository": text,
        "directory": text,
        "commit": text,
        "workspace": text,
        "owners": (text,),
        "labels": (text,),
        "tool": text,
        "sources_note": text,
        "resolved": (Resolved(text, text, text, NOW, Severity.LOW),),
        "failure": make_failure(message=text, command=(text,), detail=f"{text}\n{text}"),
    }
    return make_report(make_decision(finding), **(hostile | changes))
