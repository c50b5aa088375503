"""The schema for editors: committed, and as strict as the loader."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from driftwatch.config.schema import config_schema

COMMITTED = Path(__file__).parents[2] / "docs" / "driftwatch.schema.json"


def test_the_committed_schema_is_the_one_that_driftwatch_writes() -> None:
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == config_schema()


@pytest.mark.parametrize(
    ("environment", "valid"),
    [
        ({"path": "a", "owners": "web", "timeout": "30m", "aws": None}, True),
        ({"path": "a", "owners": ["web"], "variables": {"a": [1, {"b": 2}]}}, True),
        ({"path": "a", "schedule": "every 6h", "timezone": "UTC", "account": "x"}, True),
        ({"owners": "web"}, False),
        ({"path": "a", "typo": 1}, False),
        ({"path": "a", "workspace": "-x"}, False),
        ({"path": "a", "env": {"TF_DATA_DIR": "x"}}, False),
    ],
)
def test_the_schema_knows_what_is_valid(environment: dict[str, object], valid: bool) -> None:
    schema = config_schema()
    Draft202012Validator.check_schema(schema)
    document = {"repositories": {"a": {"url": "./a"}}, "environments": {"x": environment}}
    assert Draft202012Validator(schema).is_valid(document) is valid


@pytest.mark.parametrize(
    ("service", "valid"),
    [
        ({"windows": {"w": {"deny": "check", "schedule": "@daily", "duration": "2h"}}}, True),
        ({"windows": {"w": {"deny": ["chek"], "schedule": "@daily", "duration": "2h"}}}, False),
        ({"notifications": {"channels": {"c": {"chat": {"urls": "slack://x"}}}}}, True),
        ({"notifications": {"channels": {"c": {"chat": {"urls": []}}}}}, False),
        ({"notifications": {"routes": {"r": {"channel": "c", "digest": "weekly"}}}}, True),
        ({"notifications": {"routes": {"r": {"channel": "c", "digest": {}}}}}, True),
        ({"notifications": {"routes": {"r": {"channel": "c", "digest": "hourly"}}}}, False),
        ({"notifications": {"routes": {"r": {"channel": "c", "events": "opened"}}}}, True),
        ({"web": {"hooks": {"h": {"forge": "github", "secret": "short"}}}}, False),
        ({"web": {"proxy": {"addresses": "10.0.0.1"}}}, True),
        ({"daemon": {"backups": -1}}, False),
    ],
)
def test_the_schema_knows_what_is_valid_of_the_service(
    service: dict[str, object], valid: bool
) -> None:
    document = {"repositories": {"a": {"url": "./a"}}, **service}
    assert Draft202012Validator(config_schema()).is_valid(document) is valid


def test_every_key_is_described_for_the_person_at_the_editor() -> None:
    schema = config_schema()
    for model in [schema, *schema["$defs"].values()]:
        for name, field in model.get("properties", {}).items():
            assert field.get("description") or field.get("$ref"), name


def test_every_key_stands_in_the_guide() -> None:
    guide = (COMMITTED.parent / "configuration.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`\n]+)`", guide))))
    schema = config_schema()
    keys = {
        key for model in [schema, *schema["$defs"].values()] for key in model.get("properties", {})
    }
    assert keys - named == set()
