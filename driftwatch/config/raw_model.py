"""What all models of a YAML file have in common."""

from pydantic import BaseModel, ConfigDict


class Raw(BaseModel):
    """Refuse keys that mean nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)
