"""What a planted case is: one deed in the embedded world and the finding it must lead to."""

from dataclasses import dataclass

from driftwatch.domain.model import Kind, Path, Reason


@dataclass(frozen=True, slots=True)
class PlantedCase:
    """State what somebody did and what driftwatch must say about it.

    `kind` None means that the environment must be reported in sync. `attribute` is a path, or the
    beginning of one, into the resource at `address`; () speaks of the resource as a whole. `secret`
    is a text that no report may hold.
    """

    name: str
    story: str
    environment: str
    address: str = ""
    attribute: Path = ()
    kind: Kind | None = None
    reason: Reason | None = None
    deleted: bool = False
    secret: str = ""

    @property
    def place(self) -> str:
        """Name the resource and the attribute in one word."""
        steps = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in self.attribute)
        return f"{self.address}{steps}"

    @property
    def expectation(self) -> str:
        """Say in a few words what must be reported."""
        if self.kind is None:
            return "in sync"
        return describe(self.kind, self.reason, deleted=self.deleted, masked=bool(self.secret))


def describe(
    kind: Kind, reason: Reason | None, *, deleted: bool = False, masked: bool = False
) -> str:
    """Say in a few words what a finding is."""
    words = [f"{kind} ({reason})" if reason else str(kind)]
    words += ["deleted"] if deleted else []
    words += ["masked"] if masked else []
    return ", ".join(words)
