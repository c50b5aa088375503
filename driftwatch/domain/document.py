"""The shape of a plan document on the wire, decoded no further than needed.

Format: https://developer.hashicorp.com/terraform/internals/json-format. Values stay undecoded
(`msgspec.Raw`): on a plan of 20,000 resources that is half a second instead of ten.
"""

from typing import Any

import msgspec

NOTHING = msgspec.Raw(b"null")


class RawChange(msgspec.Struct):
    """One change: what is before and after, and what of it is secret or unknown."""

    actions: list[str]
    before: msgspec.Raw = NOTHING
    after: msgspec.Raw = NOTHING
    after_unknown: msgspec.Raw = NOTHING
    before_sensitive: msgspec.Raw = NOTHING
    after_sensitive: msgspec.Raw = NOTHING
    importing: msgspec.Raw = NOTHING


class RawResourceChange(msgspec.Struct):
    """An entry of `resource_drift` or `resource_changes`."""

    change: RawChange
    address: str = ""
    module_address: str = ""
    mode: str = "managed"
    resource_type: str = msgspec.field(default="", name="type")
    name: str = ""
    index: str | int | None = None
    provider_name: str = ""
    previous_address: str | None = None
    deposed: str | None = None
    action_reason: str | None = None


class RawStateResource(msgspec.Struct):
    """A resource of `prior_state`."""

    mode: str = "managed"
    values: msgspec.Raw = NOTHING
    sensitive_values: msgspec.Raw = NOTHING


class RawStateModule(msgspec.Struct):
    """A module of `prior_state`, with its children."""

    resources: list[RawStateResource] = []
    child_modules: list["RawStateModule"] = []


class RawStateOutput(msgspec.Struct):
    """An output of `prior_state`."""

    value: msgspec.Raw = NOTHING
    sensitive: bool = False


class RawStateValues(msgspec.Struct):
    """The values of `prior_state`."""

    root_module: RawStateModule | None = None
    outputs: dict[str, RawStateOutput] = {}


class RawState(msgspec.Struct):
    """The state before the plan."""

    values: RawStateValues | None = None


class RawVariable(msgspec.Struct):
    """The value of a root variable."""

    value: msgspec.Raw = NOTHING


class RawAddress(msgspec.Struct):
    """The address of a check."""

    to_display: str = ""


class RawProblem(msgspec.Struct):
    """Why a condition failed."""

    message: str = ""


class RawCheckInstance(msgspec.Struct):
    """One instance of a checked object."""

    address: RawAddress = msgspec.field(default_factory=RawAddress)
    status: str = "unknown"
    problems: list[RawProblem] = []


class RawCheck(msgspec.Struct):
    """A checked object and how it fared."""

    address: RawAddress = msgspec.field(default_factory=RawAddress)
    status: str = "unknown"
    instances: list[RawCheckInstance] | None = None


class RawConfigVariable(msgspec.Struct):
    """A root variable as it is declared."""

    sensitive: bool = False


class RawExpression(msgspec.Struct):
    """What an output's value is made of."""

    references: list[str] = []


class RawConfigOutput(msgspec.Struct):
    """An output as it is declared."""

    expression: RawExpression = msgspec.field(default_factory=RawExpression)


class RawConfigResource(msgspec.Struct):
    """A resource as it is declared; a block's expressions are an object, or a list of such."""

    address: str = ""
    expressions: dict[str, Any] = {}


class RawConfigModule(msgspec.Struct):
    """A module as it is declared."""

    variables: dict[str, RawConfigVariable] = {}
    outputs: dict[str, RawConfigOutput] = {}
    resources: list[RawConfigResource] = []
    module_calls: dict[str, "RawModuleCall"] = {}


class RawModuleCall(msgspec.Struct):
    """A call of a module."""

    module: RawConfigModule = msgspec.field(default_factory=RawConfigModule)


class RawConfiguration(msgspec.Struct):
    """The code that was planned."""

    root_module: RawConfigModule = msgspec.field(default_factory=RawConfigModule)


class RawDocument(msgspec.Struct):
    """The whole document; what driftwatch does not use is skipped."""

    format_version: str
    terraform_version: str = ""
    variables: dict[str, RawVariable] = {}
    resource_drift: list[RawResourceChange] = []
    resource_changes: list[RawResourceChange] | None = None
    output_changes: dict[str, RawChange] = {}
    prior_state: RawState | None = None
    configuration: RawConfiguration = msgspec.field(default_factory=RawConfiguration)
    checks: list[RawCheck] = []
    deferred_changes: list[msgspec.Raw] = []
    planned_values: msgspec.Raw = NOTHING
    values: msgspec.Raw = NOTHING
    complete: bool = True
    errored: bool = False
