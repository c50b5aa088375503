"""Guards every command line of terraform: driftwatch looks, and cannot do anything else."""

from collections.abc import Sequence

from driftwatch.errors import Cause, CouldNotLook

READING = frozenset({"init", "plan", "show", "version", "providers", "validate", "graph"})
_FLAGS = {
    "init": ("-input=false", "-no-color", "-lockfile=readonly", "-reconfigure", "-backend-config"),
    "plan": (
        "-input=false",
        "-lock=false",
        "-no-color",
        "-json",
        "-out",
        "-parallelism",
        "-var-file",
        "-detailed-exitcode",
    ),
    "show": ("-json", "-no-color"),
    "version": ("-json",),
    "providers": (),
    "validate": ("-json", "-no-color"),
    "graph": (),
}
_MUST = {"plan": "-lock=false", "init": "-input=false"}
_TAKES_A_FILE = "show"  # others take words like `providers lock`, which writes


def guarded(binary: str, arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the whole command line, or refuse what could change anything.

    Allowed are the subcommands that read, and of each only the flags that driftwatch needs: no
    `-upgrade`, no lock, no migration of a state, no generated configuration.
    """
    command, *rest = arguments or ("",)
    if command not in READING:
        raise _refusal(arguments, f"terraform {command} is not a command that only reads")
    for word in rest:
        flag = word.partition("=")[0]
        known = word in _FLAGS[command] or ("=" in word and flag in _FLAGS[command])
        if not known and (word.startswith("-") or command != _TAKES_A_FILE):
            raise _refusal(arguments, f"terraform {command} must not be run with {flag}")
    if _MUST.get(command, "") not in ("", *rest):
        raise _refusal(arguments, f"terraform {command} needs {_MUST[command]}")
    return (binary, *arguments)


def _refusal(arguments: Sequence[str], why: str) -> CouldNotLook:
    return CouldNotLook(
        f"driftwatch refused its own command: {why}.",
        cause=Cause.INTERNAL,
        command=("terraform", *arguments),
    )
