"""Drafting a configuration: what init writes must load and mean what was found."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driftwatch.config.draft import DraftModule, draft_config
from driftwatch.config.load import load_config
from driftwatch.config.model import Config


def reload(directory: Path, text: str) -> Config:
    file = directory / "driftwatch.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, {"HOME": "/home/ops"})


def test_a_draft_loads_and_names_every_module(tmp_path: Path) -> None:
    text = draft_config(
        "https://example.org/live.git",
        [
            DraftModule("environments/prod", ("prod.tfvars",), "s3"),
            DraftModule("apps/prod", (), ""),
            DraftModule("base", ("a.tfvars", "b.tfvars"), "local"),
            DraftModule("."),
        ],
    )
    assert text.startswith("# yaml-language-server: $schema=driftwatch.schema.json\n")
    config = reload(tmp_path, text)
    found = {s.template.name: s.template for s in config.environments}
    assert {name: e.directory for name, e in found.items()} == {
        "environments-prod": "environments/prod",
        "prod": "apps/prod",
        "base": "base",
        "root": ".",
    }
    assert found["environments-prod"].var_files == ("prod.tfvars",)
    assert found["base"].var_files == ()
    assert "# choose: var_files: [a.tfvars, b.tfvars]" in text
    assert "environments-prod: # state in s3" in text
    assert "base: # local state" in text


def test_a_draft_without_modules_loads(tmp_path: Path) -> None:
    assert reload(tmp_path, draft_config(".", [])).environments == ()


@pytest.mark.parametrize(
    "directory", ["yes", "null", "1.0", "a: b", "- x", "é/ü", "'q'", '"', "#", "${env:X}", "{a}"]
)
def test_a_strange_directory_survives(tmp_path: Path, directory: str) -> None:
    config = reload(tmp_path, draft_config(".", [DraftModule(directory)]))
    assert config.environments[0].template.directory == directory


def test_names_stay_apart_when_dashes_meet(tmp_path: Path) -> None:
    modules = [DraftModule(d) for d in ("a/b", "a-b", "x/a-b", "y/b", "c/y-b", "z/y/b", "é", "ü")]
    config = reload(tmp_path, draft_config(".", modules))
    assert len({s.template.name.lower() for s in config.environments}) == len(modules)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.text(
            st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=70
        ),
        max_size=4,
        unique=True,
    )
)
def test_any_directories_give_a_draft_that_loads(tmp_path: Path, steps: list[str]) -> None:
    plain = {
        s.replace("/", "").replace("\\", "").replace("*", "").replace("?", "").strip("~.")
        for s in steps
    }
    modules = [DraftModule(f"d/{s}") for s in sorted(plain) if s]
    config = reload(tmp_path, draft_config("https://example.org/x", modules))
    assert sorted(s.template.directory for s in config.environments) == sorted(
        m.directory for m in modules
    )
