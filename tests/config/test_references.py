"""References to the environment: filled in, escaped, or refused."""

import pytest

from driftwatch.config.references import Resolution
from driftwatch.config.yaml_source import parse_document

ENVIRON = {"TOKEN": "s3cret", "EMPTY": "", "SHORT": "abc"}


def resolve(text: str) -> Resolution:
    return Resolution(parse_document("f", text), ENVIRON)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${env:TOKEN}", "s3cret"),
        ("a-${env:TOKEN}-${env:SHORT}", "a-s3cret-abc"),
        ("${env:NONE:-here}", "here"),
        ("${env:EMPTY:-here}", "here"),
        ("${env:NONE:-}", ""),
        ("${env:EMPTY}", ""),
        ("${env:TOKEN:-here}", "s3cret"),
        ("$${env:TOKEN}", "${env:TOKEN}"),
        ("${var.x}", "${var.x}"),
    ],
)
def test_a_reference_is_filled_in(text: str, value: str) -> None:
    resolution = resolve(text)
    assert resolution.value([{"k": text}, 3]) == [{"k": value}, 3]
    assert resolution.document.problems == []


@pytest.mark.parametrize("text", ["${env:}", "${env:A B}", "${env:OPEN", "${env:1}"])
def test_a_reference_that_is_none_is_refused(text: str) -> None:
    resolution = resolve(text)
    resolution.value(text)
    assert "a reference is written ${env:NAME}" in str(resolution.document.problems[0])


def test_a_variable_that_is_not_set_is_refused() -> None:
    resolution = resolve("a")
    resolution.value("${env:NONE}")
    assert "the environment variable NONE is not set" in str(resolution.document.problems[0])


def test_secrets_are_the_values_that_came_from_outside() -> None:
    resolution = resolve("a")
    resolution.value(["${env:TOKEN}", "${env:SHORT}", "${env:NONE:-default}", "${env:EMPTY}"])
    assert resolution.secrets == {"s3cret"}
    assert resolution.origins[0,] == ("TOKEN",)
