"""The forms that single values in a YAML file can take, each with an error that says how."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from driftwatch.domain.globs import parse_path_glob
from driftwatch.domain.schedule import find_zone, parse_length, parse_schedule


def refusal(shown: Any, says: str) -> PydanticCustomError:
    """Build an error whose value can be taken out again, should it be a secret."""
    return PydanticCustomError("form", "{shown} {says}", {"shown": _short(shown), "says": says})


@dataclass(frozen=True, slots=True)
class Form:
    """Text that fits a pattern (as ECMAScript and Python both read it)."""

    pattern: str
    says: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern}

    def _check(self, text: str) -> str:
        if re.search(self.pattern, text, re.ASCII) and "\n" not in text:
            return text
        raise refusal(text, self.says)


NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
_CREDENTIALS = re.compile(r"^[a-z+]+://[^/@]*:[^/@]*@")


def _duration(value: Any) -> timedelta:
    try:
        return parse_length(value)
    except (ValueError, AttributeError) as error:
        says = "is not a duration above zero: write 30s, 15m, 24h, 7d or 1h30m"
        raise refusal(value, says) from error


def listed(value: Any) -> Any:
    """Let one word stand for a list of one."""
    return [value] if isinstance(value, str) else value


def _terraform_text(value: Any) -> str:
    """Write a value as `-var` takes it: text as it is, all else as JSON."""
    if value is None:
        raise PydanticCustomError("null", "null is no value; leave the variable out")
    return value if isinstance(value, str) else json.dumps(value)


def _policy(value: Any) -> Any:
    try:
        document = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        document = None
    if not isinstance(document, dict) or "Statement" not in document:
        raise PydanticCustomError("policy", "an IAM policy is needed: a map, or JSON text of one")
    text = json.dumps(document, separators=(",", ":"))
    if len(text) > _LONGEST_POLICY:
        raise PydanticCustomError("policy", "AWS takes session policies of 2,048 characters only")
    return text


def _inner_path(text: str) -> str:
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith(("/", "~")) or ".." in parts or "\\" in text or not text.isprintable():
        raise refusal(text, "must be a path inside the repository, without ..")
    return "/".join(parts) or "."


def _url(text: str) -> str:
    if _CREDENTIALS.match(text):
        raise PydanticCustomError(
            "url", "credentials do not belong in a URL: use username and password"
        )
    return text


def _path_glob(text: str) -> str:
    try:
        parse_path_glob(text)
    except ValueError as error:
        raise PydanticCustomError("glob", "{says}", {"says": str(error)}) from error
    return text


def _after(check: Callable[[str], str]) -> Any:
    return _After(check)


@dataclass(frozen=True, slots=True)
class _After:
    check: Callable[[str], str]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


_LONGEST_POLICY = 2048
_LONGEST_SHOWN = 80
_SHORTEST_SECRET = 16
_CRON = "write five cron fields such as '0 7 * * 1', or @daily, @weekly and the like"
_APPRISE = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[\x21-\x7e]+$", re.ASCII)


def _fits(parse: Callable[[str], Any]) -> Callable[[str], str]:
    """Accept text that a parser of the domain accepts, and say what it says of any other."""

    def check(text: str) -> str:
        try:
            parse(text)
        except ValueError as error:
            raise PydanticCustomError("form", "{says}", {"says": str(error)}) from error
        return text

    return check


def _cron(text: str) -> str:
    try:
        cron = parse_schedule(text).cron
    except ValueError as error:
        says = "never fires" if "never fires" in str(error) else "is no schedule"
        raise refusal(text, f"{says}: {_CRON}") from error
    if not cron:
        raise refusal(text, f"is no time of day: {_CRON}")
    return cron


def _secret(text: str) -> str:
    """Refuse a secret that can be guessed, without a word of it."""
    if len(text) < _SHORTEST_SECRET or not text.isprintable():
        raise PydanticCustomError("secret", "must be one line of 16 characters or more")
    return text


def _apprise(text: str) -> str:
    """Refuse what is no URL, without a word of it: it may hold a token all the same."""
    if not _APPRISE.search(text):
        raise PydanticCustomError("secret", "must be an Apprise URL, such as slack://…")
    return text


def _network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError as error:
        raise refusal(text, "is not an IP address or network: write 10.0.0.0/8") from error


Count = Annotated[int, Field(ge=1, le=1000, strict=False)]
Line = Annotated[
    str, Form(r"^[^\x00-\x1f\x7f]+$", "must be one line of text, without control characters")
]
Name = Annotated[
    str,
    Form(NAME, "is not a name: up to 63 letters, digits, dots, dashes and underscores"),
]
NamePattern = Annotated[
    str,
    Form(
        r"^[A-Za-z0-9{][A-Za-z0-9._{}-]{0,62}$",
        "is not a name: up to 63 letters, digits, dots, dashes, underscores, {name} and {path}",
    ),
]
Variable = Annotated[str, Form(r"^[A-Za-z_][A-Za-z0-9_-]*$", "is not the name of a variable")]
EnvironmentVariable = Annotated[
    str,
    Form(
        r"^(?!TF_(CLI_ARGS|CLI_CONFIG_FILE|DATA_DIR|WORKSPACE|INPUT|REATTACH_PROVIDERS))"
        r"[A-Za-z_][A-Za-z0-9_]*$",
        "is not the name of an environment variable, or one that driftwatch itself sets",
    ),
]
Branch = Annotated[
    str,
    Form(
        r"^(?![-/.])(?!.*(\.\.|@\{|//))[^\s~^:?*\[\\\x00-\x1f\x7f]+$",
        "is not the name of a branch",
    ),
]
Url = Annotated[
    str,
    Form(
        r"^(https?://[^\s]+|ssh://[^-\s][^\s]*|file:///[^\s]*|[A-Za-z0-9._]+@[A-Za-z0-9._-]+:[^\s]+"
        r"|[.~]?/[^\x00-\x1f]*|\.{1,2}(/[^\x00-\x1f]*)?)$",
        "is not a repository: write https://…, ssh://…, user@host:path, or a path such as ./infra",
    ),
    _after(_url),
]
WebUrl = Annotated[str, Form(r"^https?://[^\s]+$", "is not a URL: write https://…")]
Workspace = Annotated[
    str, Form(r"^[A-Za-z0-9_.][A-Za-z0-9_.@=:+~-]{0,89}$", "is not the name of a workspace")
]
Binary = Annotated[
    str,
    Form(r"^[^-\s\x00-\x1f][^\x00-\x1f]*$", "is not a program: write terraform, tofu or its path"),
]
Version = Annotated[
    str,
    Form(
        r"^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$",
        "is not a version: write all three numbers, such as 1.9.8",
    ),
]
RoleArn = Annotated[
    str,
    Form(r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\x21-\x7e]+$", "is not the ARN of an IAM role"),
]
Region = Annotated[str, Form(r"^[a-z]{2}(-[a-z]+)+-[0-9]+$", "is not an AWS region")]
MailAddress = Annotated[
    str,
    Form(
        r"^(?=[^@]{1,200}@[^@]{1,200}$)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+$",
        "is not a mail address: write name@example.org",
    ),
]
Socket = Annotated[
    str,
    Form(
        r"^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$",
        "is not an address and port: write 127.0.0.1:8420 or [::1]:8420",
    ),
]
ScheduleText = Annotated[Line, _after(_fits(parse_schedule))]
Cron = Annotated[Line, _after(_cron)]
Zone = Annotated[Line, _after(_fits(find_zone))]
Secret = Annotated[str, _after(_secret), Field(json_schema_extra={"minLength": _SHORTEST_SECRET})]
AppriseUrl = Annotated[str, _after(_apprise)]
_AppriseUrls = Annotated[list[AppriseUrl], Field(min_length=1)]
AppriseUrls = Annotated[
    _AppriseUrls, BeforeValidator(listed, json_schema_input_type=AppriseUrl | _AppriseUrls)
]
Network = Annotated[Line, _after(_network)]
InnerPath = Annotated[Line, _after(_inner_path)]
AttributeGlob = Annotated[Line, _after(_path_glob)]
Duration = Annotated[timedelta, BeforeValidator(_duration, json_schema_input_type=str)]
TerraformValue = Annotated[str, BeforeValidator(_terraform_text, json_schema_input_type=Any)]
SessionPolicy = Annotated[
    str, BeforeValidator(_policy, json_schema_input_type=dict[str, Any] | str)
]
Lines = Annotated[list[Line], BeforeValidator(listed, json_schema_input_type=Line | list[Line])]
MailAddresses = Annotated[
    list[MailAddress],
    BeforeValidator(listed, json_schema_input_type=MailAddress | list[MailAddress]),
]
InnerPaths = Annotated[
    list[InnerPath], BeforeValidator(listed, json_schema_input_type=Line | list[Line])
]
AttributeGlobs = Annotated[
    list[AttributeGlob], BeforeValidator(listed, json_schema_input_type=Line | list[Line])
]
Variables = Annotated[
    list[EnvironmentVariable], BeforeValidator(listed, json_schema_input_type=Line | list[Line])
]
