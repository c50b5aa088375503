"""No command line can do more than look."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.adapters.terraform_argv import READING, guarded
from driftwatch.errors import Cause, CouldNotLook

# As driftwatch runs them.
OURS = (
    ("init", "-input=false", "-no-color", "-reconfigure"),
    ("init", "-input=false", "-no-color", "-reconfigure", "-lockfile=readonly"),
    ("init", "-input=false", "-no-color", "-reconfigure", "-backend-config=bucket=x"),
    (
        *("plan", "-input=false", "-lock=false", "-no-color", "-json", "-parallelism=10"),
        *("-out=/tmp/plan.bin", "-var-file=prod.tfvars"),
    ),
    ("show", "-json", "-no-color", "/tmp/plan.bin"),
    ("version", "-json"),
)
CHANGING = (
    *("apply", "destroy", "import", "taint", "untaint", "state", "workspace", "force-unlock"),
    *("console", "login", "logout", "get", "fmt", "refresh", "test", "push", "metadata", "env", ""),
)
FORBIDDEN = (
    *("-upgrade", "-upgrade=true", "-lock", "-lock=true", "-auto-approve", "-destroy"),
    *("-migrate-state", "-force-copy", "-generate-config-out=x.tf", "-lockfile=update"),
    *("-from-module=x", "-plugin-dir=x", "-backend=false", "-get=false", "-state=x", "-chdir=/"),
    *("-refresh-only", "-refresh=false", "-replace=x", "-target=x", "-input=true", "-var=x=y"),
    *("--upgrade", "--lock=true", "-lock-timeout=1h", "-h", "-help", "-fs-mirror=x"),
)
WORDS = st.sampled_from(
    sorted({word for command in OURS for word in command} | set(CHANGING) | set(FORBIDDEN))
)


def allowed(arguments: tuple[str, ...]) -> bool:
    try:
        guarded("terraform", arguments)
    except CouldNotLook as error:
        return error.cause is not Cause.INTERNAL
    return True


@pytest.mark.parametrize("arguments", OURS)
def test_what_driftwatch_runs_passes_unchanged(arguments: tuple[str, ...]) -> None:
    assert guarded("/bin/terraform", arguments) == ("/bin/terraform", *arguments)


@pytest.mark.parametrize("command", CHANGING)
def test_no_command_passes_that_changes_something(command: str) -> None:
    assert not allowed((command,))
    assert not allowed((command, *OURS[3][1:]))


@pytest.mark.parametrize("flag", FORBIDDEN)
@pytest.mark.parametrize("arguments", OURS)
def test_no_dangerous_flag_passes_anywhere(arguments: tuple[str, ...], flag: str) -> None:
    assert not allowed((*arguments, flag))
    assert not allowed((arguments[0], flag, *arguments[1:]))


@pytest.mark.parametrize("missing", ["-lock=false"])
def test_a_plan_that_would_lock_the_state_does_not_pass(missing: str) -> None:
    assert not allowed(tuple(word for word in OURS[3] if word != missing))


@pytest.mark.parametrize("command", ["init", "plan", "version", "validate", "providers", "graph"])
@pytest.mark.parametrize("word", ["lock", "mirror", "schema", "saved.plan", "../elsewhere"])
def test_no_command_takes_words_that_may_be_commands_of_their_own(command: str, word: str) -> None:
    own = next((line for line in OURS if line[0] == command), (command,))
    assert not allowed((*own, word))


def test_an_empty_command_line_does_not_pass() -> None:
    assert not allowed(())


@given(st.lists(WORDS | st.text(max_size=12), max_size=8))
def test_whatever_passes_only_looks(words: list[str]) -> None:
    arguments = tuple(words)
    if not allowed(arguments):
        return
    command, *rest = arguments
    assert command in READING
    assert command not in CHANGING
    assert not set(rest) & set(FORBIDDEN)
    flags = {word.lstrip("-").partition("=")[0] for word in rest if word.startswith("-")}
    known = {w.lstrip("-").partition("=")[0] for c in OURS for w in c} | {"detailed-exitcode"}
    assert flags <= known
    assert command != "plan" or "-lock=false" in rest


def test_a_refusal_shows_the_command_line() -> None:
    with pytest.raises(CouldNotLook, match="terraform apply is not a command that only reads") as e:
        guarded("terraform", ["apply", "-auto-approve"])
    assert e.value.command == ("terraform", "apply", "-auto-approve")
