"""What ends the demo early: the embedded world could not be built."""

from driftwatch.errors import DriftwatchError


class WorldError(DriftwatchError):
    """Stop building the embedded world and say why."""
