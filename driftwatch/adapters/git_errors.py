"""Says in a sentence why git failed, and without the credentials that it may have printed."""

import re

from git.exc import CommandError

from driftwatch.domain.environment import Repository
from driftwatch.errors import Cause, CouldNotLook

_CORRUPT = re.compile(
    r"object file .* is empty|loose object .* is corrupt|bad object|not a git repository"
    r"|unable to read (?:tree|sha1)|bad (?:ref|signature|index|config)|is corrupt|packfile"
    r"|Unable to create '.*\.lock': File exists"  # git was killed: we hold the mirror's own lock
)

# What git prints in English, what it means, and whether another try can help; the first one counts.
_MEANINGS = (
    (r"did not complete in", "Git was not done with {name} after {timeout:.0f} seconds.", True),
    (
        (
            r"Authentication failed|could not read (?:Username|Password)|returned error: 40[13]"
            r"|Permission denied \(publickey|terminal prompts disabled|Host key verification failed"
        ),
        "The credentials for the repository {name} are not accepted.",
        False,
    ),
    (
        r"returned error: 30\d",
        "The repository {name} has moved: its URL redirects, and credentials follow no redirect.",
        False,
    ),
    (
        r"does not appear to be a git repository|not found|does not exist",
        "The repository {name} was not found.",
        False,
    ),
    (
        (
            r"Could not resolve host|Connection (?:refused|timed out|reset)|Failed to connect"
            r"|Timeout|Could not read from remote|unable to access|early EOF|Operation too slow"
            r"|hung up"
        ),
        "The repository {name} could not be reached.",
        True,
    ),
    (r"", "Git could not {command} the repository {name}.", False),
)


def explained(
    repository: Repository, command: str, error: CommandError, timeout: float
) -> CouldNotLook:
    """Explain an error of a git command; `timeout` is the seconds that it had."""
    text = str(error.stderr or "")
    sentence, retryable = next(
        (sentence, retryable)
        for pattern, sentence, retryable in _MEANINGS
        if re.search(pattern, text)
    )
    return CouldNotLook(
        sentence.format(name=repository.name, command=command, timeout=timeout),
        cause=Cause.GIT,
        retryable=retryable,
        command=("git", command),
        exit_code=error.status if isinstance(error.status, int) else None,
        detail=_without_passwords(text, repository)[-2000:],
    )


def is_damage(error: CouldNotLook) -> bool:
    """Say whether git complains about the mirror itself, which a new one would mend."""
    return _CORRUPT.search(error.detail) is not None


def _without_passwords(text: str, repository: Repository) -> str:
    text = re.sub(r"(?<=://)[^/\s@]+@", "", text)
    return text.replace(repository.password, "(sensitive)") if repository.password else text
