"""Every format that people can type is written by its renderer."""

import pytest

from driftwatch.render.formats import Format, render
from tests.builders import NOW, make_fleet

STARTS = {
    Format.TABLE: "Of 8 environments:",
    Format.JSON: '{\n  "format_version"',
    Format.MARKDOWN: "**Of 8 environments",
    Format.HTML: "<!doctype html>",
    Format.SARIF: '{\n  "$schema"',
    Format.JUNIT: "<?xml",
}


@pytest.mark.parametrize("chosen", Format)
def test_a_format_is_written_by_its_renderer(chosen: Format) -> None:
    text = render(chosen, make_fleet(), NOW)
    assert text.lower().startswith(STARTS[chosen].lower())


def test_a_table_is_as_wide_and_colourful_as_asked() -> None:
    plain = render(Format.TABLE, make_fleet(), NOW, 60)
    assert max(map(len, plain.splitlines())) <= 60
    assert "\x1b" not in plain
    assert "\x1b[" in render(Format.TABLE, make_fleet(), NOW, 60, color=True)


def test_each_format_has_its_own_file_extension() -> None:
    extensions = [chosen.extension for chosen in Format]
    assert len(set(extensions)) == len(extensions)
    assert all(extension.startswith(".") for extension in extensions)


def test_formats_are_what_people_type() -> None:
    assert [str(chosen) for chosen in Format] == [
        "table",
        "json",
        "markdown",
        "html",
        "sarif",
        "junit",
    ]
