"""The wire format is read with the fields that Terraform leaves out."""

import msgspec
import pytest

from driftwatch.domain.document import RawChange, RawConfiguration, RawDocument


def test_everything_but_the_format_version_may_be_missing() -> None:
    document = msgspec.json.decode(b'{"format_version":"1.2"}', type=RawDocument)
    assert document.complete
    assert not document.errored
    assert document.resource_drift == []
    assert document.resource_changes is None
    assert document.configuration.root_module.resources == []


def test_values_stay_undecoded() -> None:
    change = msgspec.json.decode(b'{"actions":["update"],"before":{"a":[1, 2]}}', type=RawChange)
    assert bytes(change.before) == b'{"a":[1, 2]}'
    assert bytes(change.after) == b"null"


def test_the_code_of_nested_modules_is_read() -> None:
    inner = b'{"resources": [{"address": "aws_x.y", "mode": "managed"}]}'
    outer = b'{"module_calls": {"b": {"source": "./b", "module": %s}}}' % inner
    content = b'{"root_module": {"module_calls": {"a": {"module": %s}}}}' % outer
    root = msgspec.json.decode(content, type=RawConfiguration).root_module
    (resource,) = root.module_calls["a"].module.module_calls["b"].module.resources
    assert (resource.address, resource.expressions) == ("aws_x.y", {})


@pytest.mark.parametrize(
    "content", [b"{}", b'{"format_version":1}', b'{"format_version":"1.2","checks":{}}']
)
def test_a_field_of_another_type_is_no_plan_document(content: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(content, type=RawDocument)
