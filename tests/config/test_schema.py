"""The schema for editors: committed, and as strict as the loader."""

import json
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


def test_every_key_is_described_for_the_person_at_the_editor() -> None:
    schema = config_schema()
    for model in [schema, *schema["$defs"].values()]:
        for name, field in model.get("properties", {}).items():
            assert field.get("description") or field.get("$ref"), name
