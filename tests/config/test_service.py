"""What driftwatch.yaml says of the service: windows, notifications, daemon, web, schedules."""

from datetime import timedelta
from pathlib import Path

import pytest

from driftwatch.config.service_model import (
    DaemonSettings,
    Hook,
    Notifications,
    Proxy,
    Role,
    WebSettings,
)
from driftwatch.domain.environment import HOURLY
from driftwatch.domain.globs import Globs
from driftwatch.domain.news import Patience
from driftwatch.domain.schedule import Schedule
from driftwatch.domain.windows import Activity, Window
from tests.config.loading import CRON, KEY, MAIL, ROLE, load, refusals


def test_a_file_that_says_nothing_of_the_service_gets_its_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, "environments: {prod: {path: a}}")
    assert config.windows == ()
    assert config.notifications == Notifications()
    assert config.notifications.patience == Patience(timedelta(days=3), 2)
    assert config.daemon == DaemonSettings()
    assert config.web == WebSettings()
    assert (config.web.anonymous, config.web.is_loopback) == (Role.ADMIN, True)
    assert config.environments[0].template.schedule == HOURLY
    assert config.secrets == ()


# --- When environments are checked.


def test_schedules_cascade_key_by_key(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        f"""\
defaults: {{schedule: "@daily", timezone: Europe/Berlin, account: shared, spread: 30m}}
environments:
  plain: {{path: a}}
  own: {{path: b, schedule: "*/30 8-18 * * MON-FRI", timezone: null, spread: null}}
  often: {{path: c, schedule: every 6h, account: other}}
  asked: {{path: d, schedule: never, account: null, aws: {{role_arn: {ROLE}}}}}""",
    )
    plain, own, often, asked = (spec.template for spec in config.environments)
    half = timedelta(minutes=30)
    assert plain.schedule == Schedule(cron="0 0 * * *", zone="Europe/Berlin", spread=half)
    assert own.schedule == Schedule(cron="*/30 8-18 * * MON-FRI")
    assert often.schedule == Schedule(every=timedelta(hours=6), zone="Europe/Berlin", spread=half)
    assert asked.schedule == Schedule(zone="Europe/Berlin")
    accounts = (plain.account, own.account, often.account, asked.account)
    assert accounts == ("shared", "shared", "other", "123456789012")


def test_a_time_zone_alone_leaves_the_schedule_as_it_is(tmp_path: Path) -> None:
    config = load(tmp_path, "environments: {a: {path: a, timezone: Asia/Tokyo}}")
    assert config.environments[0].template.schedule == Schedule(
        HOURLY.cron, HOURLY.every, "Asia/Tokyo"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "defaults: {schedule: hourly}",
            (
                "2:22: defaults.schedule: 'hourly' is no schedule (Wrong number of fields): write"
                " five fields such as '*/30 * * * *', @daily, every 6h, or never"
            ),
        ),
        (
            "defaults: {schedule: '0 0 */29 2 MON#5'}",
            (
                "2:22: defaults.schedule: '0 0 */29 2 MON#5' never fires; to check only when asked,"
                " write never"
            ),
        ),
        (
            "environments: {a: {path: a, schedule: '0 0 0 * * *'}}",
            (
                "2:39: environments.a.schedule: '0 0 0 * * *' is no schedule (Wrong number of"
                " fields): write five fields such as '*/30 * * * *', @daily, every 6h, or never"
            ),
        ),
        (
            "environments: {a: {path: a, schedule: every 0s}}",
            (
                "2:39: environments.a.schedule: '0s' is not a duration above zero: write 30s, 15m,"
                " 24h, 7d or 1h30m"
            ),
        ),
        (
            "environments: {a: {path: a, schedule: 3}}",
            "2:39: environments.a.schedule: must be text; if it is meant as text, put it in quotes",
        ),
        (
            "defaults: {timezone: Berlin}",
            "2:22: defaults.timezone: 'Berlin' is not a time zone: write Europe/Berlin or UTC",
        ),
        (
            "defaults: {spread: 0s}",
            (
                "2:20: defaults.spread: '0s' is not a duration above zero: write 30s, 15m, 24h, 7d"
                " or 1h30m"
            ),
        ),
    ],
)
def test_a_schedule_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert refusals(tmp_path, text) == [expected]


# --- Windows.


def test_windows_say_what_may_happen_when_and_where(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """\
windows:
  freeze:
    deny: [check, notify]
    schedule: 0 0 18 12 *
    duration: 21d
    timezone: Europe/Berlin
    environments: [prod-*, "!prod-lab"]
    labels: critical
    because: The bank closes its books.
  office: {allow: propose, schedule: "@daily", duration: 8h}""",
    )
    freeze, office = config.windows
    assert freeze == Window(
        name="freeze",
        allow=False,
        activities=frozenset({Activity.CHECK, Activity.NOTIFY}),
        cron="0 0 18 12 *",
        duration=timedelta(days=21),
        zone="Europe/Berlin",
        environments=Globs(("prod-*", "!prod-lab")),
        labels=Globs(("critical",)),
        because="The bank closes its books.",
    )
    assert office == Window(
        "office", True, frozenset({Activity.PROPOSE}), "0 0 * * *", timedelta(hours=8)
    )


ONE_OF = "2:14: windows.w: needs one of allow and deny, with check, notify or propose"


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("schedule: '@daily', duration: 2h", ONE_OF),
        ("allow: check, deny: check, schedule: '@daily', duration: 2h", ONE_OF),
        (
            "deny: [chek], schedule: '@daily', duration: 2h",
            "2:22: windows.w.deny[0]: must be 'check', 'notify' or 'propose'",
        ),
        ("deny: [], schedule: '@daily', duration: 2h", "2:21: windows.w.deny: must not be empty"),
        ("deny: check, schedule: '@daily'", "2:11: windows.w.duration: is required"),
        (
            "deny: check, schedule: every 2h, duration: 2h",
            f"2:38: windows.w.schedule: 'every 2h' is no time of day: {CRON}",
        ),
        (
            "deny: check, schedule: 0 9 * *, duration: 2h",
            f"2:38: windows.w.schedule: '0 9 * *' is no schedule: {CRON}",
        ),
        (
            "deny: check, schedule: '0 0 */29 2 MON#5', duration: 2h",
            f"2:38: windows.w.schedule: '0 0 */29 2 MON#5' never fires: {CRON}",
        ),
        (
            "deny: check, schedule: '@daily', duration: 2h, timezone: Mars",
            "2:72: windows.w.timezone: 'Mars' is not a time zone: write Europe/Berlin or UTC",
        ),
    ],
)
def test_a_window_is_refused(tmp_path: Path, window: str, expected: str) -> None:
    assert refusals(tmp_path, f"windows: {{w: {{{window}}}}}") == [expected]


# --- The daemon.


def test_what_the_daemon_keeps_to_is_read(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "daemon: {checks_per_account: 3, memory_per_check: 0, shutdown: 2m, discover: 1h,"
        " deadman_url: 'https://example.org/ping/secret-id', backup: 30 3 * * *, backups: 30}",
    )
    assert config.daemon == DaemonSettings(
        checks_per_account=3,
        memory_per_check=0,
        shutdown=timedelta(minutes=2),
        discover=timedelta(hours=1),
        deadman_url="https://example.org/ping/secret-id",
        backup="30 3 * * *",
        backups=30,
    )
    assert load(tmp_path, "daemon: {shutdown: null, backup: null}").daemon == DaemonSettings()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{backup: never}", f"2:18: daemon.backup: 'never' is no time of day: {CRON}"),
        ("{backups: -1}", "2:19: daemon.backups: must be greater than or equal to 0"),
        ("{deadman_url: x}", "2:23: daemon.deadman_url: 'x' is not a URL: write https://…"),
        (
            "{checks_per_account: 0}",
            "2:30: daemon.checks_per_account: must be greater than or equal to 1",
        ),
        ("{memory_per_check: lots}", "2:28: daemon.memory_per_check: must be a whole number"),
        ("{shutdwon: 3s}", "2:10: daemon.shutdwon: unknown key; did you mean 'shutdown'?"),
    ],
)
def test_a_daemon_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert refusals(tmp_path, f"daemon: {text}") == [expected]


# --- The web.


def test_every_key_of_the_dashboard_is_read(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        f"""\
web:
  enabled: false
  listen: 0.0.0.0:80
  public_url: https://drift.example.org/
  anonymous: viewer
  proxy:
    addresses: 10.1.2.3/8
    user_header: X-User
    role_header: X-Role
    default_role: operator
  hooks:
    here: {{forge: github, secret: {KEY}, repositories: live}}
    there: {{forge: gitea, secret: {KEY}}}""",
    )
    assert config.web == WebSettings(
        enabled=False,
        host="0.0.0.0",
        port=80,
        public_url="https://drift.example.org",
        anonymous=Role.VIEWER,
        proxy=Proxy(("10.0.0.0/8",), "X-User", "X-Role", Role.OPERATOR),
        hooks=(Hook("here", "github", KEY, ("live",)), Hook("there", "gitea", KEY)),
    )


@pytest.mark.parametrize(
    ("text", "anonymous", "loopback"),
    [
        ("{}", Role.ADMIN, True),
        ("{listen: '[::1]:8420'}", Role.ADMIN, True),
        ("{listen: 'localhost:8420', anonymous: none}", None, True),
        ("{anonymous: viewer}", Role.VIEWER, True),
        ("{listen: '0.0.0.0:8420'}", None, False),
        ("{listen: '[::]:8420', anonymous: viewer}", Role.VIEWER, False),
    ],
)
def test_nobody_unknown_is_let_in_from_outside_unless_asked_for(
    tmp_path: Path, text: str, anonymous: Role | None, loopback: bool
) -> None:
    web = load(tmp_path, f"web: {text}").web
    assert (web.anonymous, web.is_loopback) == (anonymous, loopback)


def test_each_role_may_what_those_before_it_may() -> None:
    assert [[role.may(needed) for needed in Role] for role in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{listen: '127.0.0.1'}",
            (
                "2:15: web.listen: '127.0.0.1' is not an address and port: write 127.0.0.1:8420 or"
                " [::1]:8420"
            ),
        ),
        ("{listen: '0.0.0.0:99999'}", "2:15: web.listen: a port is at most 65535"),
        (
            "{listen: '0.0.0.0:8420', anonymous: admin}",
            "2:42: web.anonymous: admin without a token is for loopback alone",
        ),
        ("{anonymous: operator}", "2:18: web.anonymous: must be 'admin', 'viewer' or 'none'"),
        (
            "{hooks: {h: {forge: github, secret: hunter2}}}",
            "2:42: web.hooks.h.secret: must be one line of 16 characters or more",
        ),
        (
            f"{{hooks: {{h: {{forge: svn, secret: {KEY}}}}}}}",
            "2:26: web.hooks.h.forge: must be 'github', 'gitlab' or 'gitea'",
        ),
        (
            f"{{hooks: {{h: {{forge: github, secret: {KEY}, repositories: [live, nope]}}}}}}",
            "2:81: web.hooks.h.repositories[1]: there is no repository 'nope'; known: live",
        ),
        (
            "{proxy: {addresses: [nowhere]}}",
            (
                "2:27: web.proxy.addresses[0]: 'nowhere' is not an IP address or network: write"
                " 10.0.0.0/8"
            ),
        ),
        ("{proxy: {addresses: []}}", "2:26: web.proxy.addresses: must not be empty"),
        (
            "{proxy: {addresses: 10.0.0.1, default_role: king}}",
            "2:50: web.proxy.default_role: must be 'viewer', 'operator' or 'admin'",
        ),
        (
            "{public_url: drift.example.org}",
            "2:19: web.public_url: 'drift.example.org' is not a URL: write https://…",
        ),
    ],
)
def test_a_dashboard_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert refusals(tmp_path, f"web: {text}") == [expected]


# --- Secrets.


def test_every_secret_of_the_service_is_known_so_that_it_can_be_masked(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        f"""\
notifications:
  channels:
    mail: {{smtp: {{host: h, sender: a@b.c, username: u, password: written-down}}}}
    open: {MAIL}
    cloud: {{ses: {{region: eu-west-1, sender: a@b.c}}}}
    hook: {{webhook: {{url: https://x, secret: "${{env:HOOK}}"}}}}
    rooms: {{chat: {{urls: ["slack://token-a", "pagerduty://${{env:PAGER}}"]}}}}
daemon: {{deadman_url: https://example.org/ping/secret-id}}
web: {{hooks: {{push: {{forge: github, secret: forge-{KEY}}}}}}}""",
        HOOK="hook-0123456789ab",
        PAGER="pager-token",
    )
    assert config.secrets == (
        f"forge-{KEY}",
        "hook-0123456789ab",
        "https://example.org/ping/secret-id",
        "pager-token",
        "pagerduty://pager-token",
        "slack://token-a",
        "written-down",
    )
    for secret in config.secrets:
        assert secret not in repr((config.notifications, config.daemon, config.web, config.windows))


def test_a_secret_is_in_no_error(tmp_path: Path) -> None:
    lines = refusals(
        tmp_path,
        """\
notifications:
  channels:
    hook: {webhook: {url: "${env:URL}", secret: "${env:KEY}"}}
    rooms: {chat: {urls: ["${env:ROOM}"]}}
    mail: {smtp: {host: h, sender: "${env:FROM}"}}
windows: {w: {deny: check, schedule: "${env:WHEN}", duration: 2h}}""",
        URL="hush hush",
        KEY="hush-key",
        ROOM="hush-room",
        FROM="hush-from",
        WHEN="hush-when",
    )
    assert len(lines) == 5
    assert not [line for line in lines if "hush" in line]
    assert "the value of ${env:WHEN} is no schedule" in lines[-1]
