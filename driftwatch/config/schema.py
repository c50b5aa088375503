"""The JSON Schema of driftwatch.yaml, for editors."""

from typing import Any

from driftwatch.config.raw import RawConfig


def config_schema() -> dict[str, Any]:
    """Describe driftwatch.yaml to an editor, in JSON Schema 2020-12."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    schema = _closed(RawConfig.model_json_schema())
    return {"$schema": dialect, **schema, "title": "driftwatch.yaml"}


def _closed(schema: Any) -> Any:
    """Let maps have no other keys than those whose pattern they give."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(item) for name, item in schema.items()}
    return closed | {"additionalProperties": False} if "patternProperties" in closed else closed
