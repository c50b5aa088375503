"""The shape of a policy file as people write it."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from driftwatch.config.raw_model import Raw
from driftwatch.config.values import AttributeGlobs, Line, Lines, listed
from driftwatch.domain.address import parse_path
from driftwatch.domain.condition import Condition, parse_condition
from driftwatch.domain.model import Action, Kind, Path, Reason, Severity, Subject, Verdict
from driftwatch.domain.threeway import Triple, classify


def _condition(source: Any) -> Condition:
    if not isinstance(source, str):
        raise PydanticCustomError("when", "must be a CEL expression, as text")
    try:
        return parse_condition(source)
    except ValueError as error:
        raise PydanticCustomError("when", "{says}", {"says": str(error)}) from error


def _path(text: Any) -> Path:
    try:
        return parse_path(text)
    except (TypeError, ValueError) as error:
        raise PydanticCustomError("path", "must be the path of an attribute") from error


KindWord = Literal["drift", "pending", "unopposed", "conflict", "unknown", "moved", "unexpected"]
Kinds = Annotated[list[KindWord], BeforeValidator(listed)]
Reasons = Annotated[list[Reason], BeforeValidator(listed)]
Subjects = Annotated[list[Subject], BeforeValidator(listed)]
AttributePath = Annotated[Path, PlainValidator(_path)]
When = Annotated[Condition, PlainValidator(_condition)]


class RawMatch(Raw):
    """What a rule is about."""

    environment: Lines = Field(default=[])
    labels: Lines = Field(default=[])
    resource_type: Lines = Field(default=[])
    address: Lines = Field(default=[])
    attribute: AttributeGlobs = Field(default=[])
    kind: Kinds = Field(default=[])
    reason: Reasons = Field(default=[])
    subject: Subjects = Field(default=[Subject.RESOURCE])
    deleted: bool | None = None
    replaces: bool | None = None

    @model_validator(mode="after")
    def _losses_are_whole(self) -> Self:
        if self.attribute and (self.deleted or self.replaces):
            raise PydanticCustomError(
                "match", "a rule about attributes cannot decide about a deletion or replacement"
            )
        return self


class RawValues(Raw):
    """One attribute of an example; code wants what is recorded unless it says otherwise."""

    recorded: Any = None
    actual: Any = None
    desired: Any = None
    reason: Reason | None = None
    sensitive: bool = False

    @property
    def triple(self) -> Triple:
        """Give the three values."""
        given = "desired" in self.model_fields_set
        return Triple(self.recorded, self.actual, self.desired if given else self.recorded)

    @property
    def kind(self) -> Kind:
        """Name how the values differ."""
        return classify(self.triple) or Kind.UNKNOWN

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if classify(self.triple) is None:
            raise PydanticCustomError("example", "the three values mean the same: no drift")
        return self


class RawDrift(Raw):
    """The drift of an example."""

    resource_type: Line = "aws_instance"
    address: Line | None = None
    subject: Subject = Subject.RESOURCE
    kind: Kind | None = None
    reason: Reason | None = None
    deleted: bool = False
    action: Action = Action.NO_OP
    attributes: dict[AttributePath, RawValues] = Field(default={})


class RawFacts(Raw):
    """The environment of an example."""

    name: Line = "example"
    labels: Lines = Field(default=[])
    owners: Lines = Field(default=[])


class RawExpect(Raw):
    """What must come of an example."""

    matches: bool = True
    severity: Severity | None = None
    verdict: Verdict | None = None


class RawExample(Raw):
    """A drift that tests its rule."""

    drift: RawDrift
    environment: RawFacts = RawFacts()
    expect: RawExpect = RawExpect()


class RawRule(Raw):
    """A rule as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: Line
    because: Line
    match: RawMatch = RawMatch()
    when: When | None = None
    severity: Severity | None = None
    verdict: Verdict = Verdict.NOTIFY
    examples: list[RawExample] = Field(default=[])


class RawPolicyFile(BaseModel):
    """A file of rules."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    rules: list[RawRule]
