"""Turns what a failed terraform printed into one sentence, a cause, and whether to try again."""

import json
import re
from collections.abc import Sequence

from driftwatch.adapters.process import Outcome
from driftwatch.errors import Cause, CouldNotLook

_DETAIL = 4000
_KILLED = -9

# The first that fits decides; the wording is terraform's and the providers'.
_KNOWN: tuple[tuple[str, Cause, str, bool], ...] = (
    (
        r"ExpiredToken|RequestExpired|token (?:included in the request )?(?:is|has) expired",
        Cause.CREDENTIALS,
        "The credentials have expired.",
        True,
    ),
    (
        (
            r"No valid credential sources|InvalidClientTokenId|UnrecognizedClientException"
            r"|SignatureDoesNotMatch|failed to refresh cached credentials|NoCredentialProviders"
            r"|could not find default credentials"
        ),
        Cause.CREDENTIALS,
        "The credentials are missing or not accepted.",
        False,
    ),
    (
        (
            r"AccessDenied|UnauthorizedOperation|not authorized to perform|AuthorizationError"
            r"|403 Forbidden"
        ),
        Cause.CREDENTIALS,
        "The credentials may not read everything that this environment needs.",
        False,
    ),
    (
        (
            r"state snapshot was created by Terraform v?\S+|state file uses format version"
            r"|does not support state version"
        ),
        Cause.STATE,
        "The state was written by a newer Terraform than the one that looked.",
        False,
    ),
    (
        r"Unsupported Terraform Core version|Unsupported OpenTofu Core version",
        Cause.TERRAFORM,
        "The code requires another version of Terraform.",
        False,
    ),
    (
        (
            r"Failed to query available provider packages|Failed to install provider"
            r"|Required plugins are not installed|could not connect to registry"
            r"|provider registry .* does not have"
        ),
        Cause.PROVIDER,
        "A provider could not be installed.",
        True,
    ),
    (
        (
            r"Plugin did not respond|plugin crashed|Failed to load plugin schemas"
            r"|Unrecognized remote plugin message"
        ),
        Cause.PROVIDER,
        "A provider crashed.",
        True,
    ),
    (
        (
            r"Inconsistent dependency lock file|dependency lock file"
            r"|Provider dependency changes detected"
        ),
        Cause.PROVIDER,
        "The dependency lock file does not fit the code; run `terraform init` and commit it.",
        False,
    ),
    (
        (
            r"Failed to (?:download|fetch) module|Module not (?:found|installed)"
            r"|Could not download module"
        ),
        Cause.CONFIGURATION,
        "A module could not be fetched.",
        True,
    ),
    (
        (
            r'[Ww]orkspace "?[^"\n]*"? (?:does not exist|doesn.t exist)'
            r"|currently selected workspace .* does not exist"
        ),
        Cause.CONFIGURATION,
        "The workspace does not exist.",
        False,
    ),
    (
        r"Failed to read the given file as a state or plan file",
        Cause.PLAN,
        "Terraform wrote no plan that it can read.",
        True,
    ),
    (
        (
            r"Error (?:loading|refreshing) state|Failed to (?:get existing workspaces|load state)"
            r"|Backend (?:initialization|configuration)|error configuring .*[Bb]ackend"
            r"|S3 bucket .* does not exist"
        ),
        Cause.STATE,
        "The state could not be read.",
        True,
    ),
    (
        r"no such host|connection refused|i/o timeout|TLS handshake timeout|connection reset",
        Cause.PROVIDER,
        "A service that the plan needs did not answer.",
        True,
    ),
    (
        (
            r"(?m)^Error: (?:Terraform encountered problems|OpenTofu encountered problems"
            r"|No value for|Invalid |Unsupported (?:argument|block|attribute|backend|operator)"
            r"|Reference to undeclared|Argument or block|Missing |Duplicate |Unclosed "
            r"|Extraneous |Unreadable module|There is no variable named|Value for undeclared"
            r"|Failed to read (?:file|module|variables)|Error in function call"
            r"|No configuration files|Cycle: "
            r"|(?:Resource|Module output value) (?:pre|post)condition failed)"
        ),
        Cause.CONFIGURATION,
        "The code does not make a valid plan.",
        False,
    ),
)


def explain_failure(argv: Sequence[str], outcome: Outcome, timeout: float) -> CouldNotLook:
    """Say why a terraform command failed, with the end of what it printed."""
    detail = _diagnostics(outcome)
    cause, message, retryable = _judge(outcome, detail, timeout)
    return CouldNotLook(
        message,
        cause=cause,
        retryable=retryable,
        command=tuple(argv),
        exit_code=outcome.exit_code,
        detail=detail[-_DETAIL:],
    )


def needs_init(outcome: Outcome) -> bool:
    """Recognise that only a new `init` is missing."""
    text = _diagnostics(outcome)
    wanted = (
        "Backend initialization required|Required plugins are not installed|Module not installed"
        "|Module source has changed|Inconsistent dependency lock file|Initialization required"
        "|Backend configuration changed|Please run .(?:terraform|tofu) init"
    )
    return re.search(wanted, _unwrapped(text)) is not None


def meets_old_state(outcome: Outcome) -> bool:
    """Recognise that init wants to migrate a local state that lies beside code with a backend."""
    wanted = "approval for state migration|state to migrate to your newly configured backend"
    return re.search(wanted, _unwrapped(_diagnostics(outcome))) is not None


def lacks_provider(outcome: Outcome) -> bool:
    """Recognise that a provider could not be taken from where it was looked for."""
    wanted = (
        "Failed to query available provider packages|Failed to install provider"
        "|checksums previously recorded|text file busy"
    )
    return re.search(wanted, _unwrapped(_diagnostics(outcome))) is not None


def _judge(outcome: Outcome, text: str, timeout: float) -> tuple[Cause, str, bool]:
    if outcome.timed_out:
        return Cause.TIMEOUT, f"Terraform was not done after {timeout:.0f} seconds.", True
    flat = _unwrapped(text)
    for pattern, cause, message, retryable in _KNOWN:
        if re.search(pattern, flat):
            return cause, message, retryable
    if outcome.exit_code == _KILLED:
        return Cause.MACHINE, "Terraform was killed; the machine may be short of memory.", True
    if outcome.exit_code < 0 or "panic: " in text or "fatal error: " in text:
        return Cause.TERRAFORM, "Terraform crashed.", True
    first = next((line for line in flat.splitlines() if line.startswith("Error: ")), "")
    return Cause.TERRAFORM, first.removeprefix("Error: ") or "Terraform failed.", False


def _unwrapped(text: str) -> str:
    """Put each paragraph on one line: terraform breaks its sentences at 78 characters."""
    return re.sub(r"(?<!\n)\n(?!\n|Error: )", " ", text)


def _diagnostics(outcome: Outcome) -> str:
    """Collect what terraform said: error diagnostics of its JSON stream, and stderr."""
    lines = []
    for line in outcome.stdout.splitlines():
        if b'"@level":"error"' in line:
            lines.append(_diagnostic(line))
        elif not line.startswith(b"{"):
            lines.append(line.decode(errors="replace"))
    lines.append(outcome.stderr.decode(errors="replace"))
    return "\n".join(line for line in lines if line.strip()).strip()


def _diagnostic(line: bytes) -> str:
    try:
        message = json.loads(line)
    except ValueError:
        return line.decode(errors="replace")
    told = message.get("diagnostic") or {}
    where = told.get("range") or {}
    place = f" ({where['filename']}:{where['start']['line']})" if where.get("filename") else ""
    summary = told.get("summary") or message.get("@message", "")
    return f"Error: {summary}{place}\n\n{told.get('detail', '')}".strip()
