"""The dashboard in a real browser: buttons reach us, and no text of others runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from driftwatch.config.service_model import Role
from driftwatch.web import static, templating
from tests.builders import make_report
from tests.packaging.tools import call, tool
from tests.web.test_hostile import OTHERS, PAGES, lay_out
from tests.web.world import FakeOffice, record, served, watch

_PRESS = """
const login = document.querySelector('form[action="/login"]');
if (login) { login.querySelector("[name=token]").value = "TOKEN"; login.requestSubmit(); }
const check = document.querySelector('form[action$="/check"]');
if (check && !document.querySelector(".working")) check.requestSubmit();
"""
_HARM = (
    "\"'></code></script><script>document.title='HARMED'</script>"
    "<img src=x onerror=\"document.title='HARMED'\"><svg onload=\"document.title='HARMED'\">"
)


def browse(url: str, home: Path) -> str:
    """Open an address in Chromium, let eight seconds pass there, and return what it shows then."""
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000"]
    outcome = call(
        tool("chromium", "chromium"),
        *arguments,
        f"--user-data-dir={home}",
        "--dump-dom",
        url,
        cwd=home,
        env={"HOME": str(home)},
    )
    return outcome.stdout.decode()


@pytest.fixture
def pressing(office: FakeOffice, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOffice]:
    """Serve another script: one that does what a person's hand would do."""
    watch(office, make_report())
    record(office, make_report())
    script = _PRESS.replace("TOKEN", office.token(Role.OPERATOR, "ana")).encode()
    content = static._content
    caches = (static.static_url, static._names, templating._environment)
    for cache in caches:
        cache.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(static, "_content", lambda n: script if n.endswith("js") else content(n))
        yield office
    for cache in caches:
        cache.cache_clear()


def test_a_button_that_is_pressed_on_this_machine_queues_a_check(
    pressing: FakeOffice, tmp_path: Path
) -> None:
    with served(pressing) as base:
        shown = browse(f"{base}/environments/prod", tmp_path)
    assert "A check waits" in shown
    (job,) = pressing.installation.store.queue.all()
    assert (job.environment, job.actor) == ("prod", "local")


def test_whoever_logs_in_gets_where_they_wanted_to_go_and_can_act_there(
    pressing: FakeOffice, tmp_path: Path
) -> None:
    pressing.set_web(anonymous=None)
    with served(pressing) as base:
        shown = browse(f"{base}/environments/prod", tmp_path)
    assert "A check waits" in shown
    assert "token:ana" in shown
    actions = [entry.action for entry in pressing.installation.store.audit.entries()]
    assert actions == ["check.queue", "login"]


def test_a_page_follows_what_happens_by_itself(filled: FakeOffice, tmp_path: Path) -> None:
    class Counting(FakeOffice):
        def problems(self) -> list[str]:
            self.ill.append("looked")
            return [f"looked {len(self.ill)} times"]

    office = Counting(filled.installation)
    with served(office) as base:
        shown = browse(f"{base}/queue", tmp_path)
    assert "looked 2 times" in shown
    assert "looked 1 times" not in shown


def test_no_text_of_others_runs(office: FakeOffice, tmp_path: Path) -> None:
    lay_out(office, _HARM)
    with served(office) as base:
        for path in (*PAGES, *OTHERS, "/reports/1"):
            shown = browse(f"{base}{path}", tmp_path)
            assert "HARMED" in shown
            assert "<title>HARMED" not in shown, path
