"""A plan document is read, or refused with a sentence that helps."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.domain.masking import MASK, Masker
from driftwatch.domain.model import Action
from driftwatch.domain.plan import Plan, parse_action, parse_plan
from driftwatch.errors import Cause, CouldNotLook
from tests.domain.documents import KEY, PLANS, make_change, make_document, make_entry
from tests.domain.test_equality import JSON

TAMPERED = (PLANS / "tampered.json").read_bytes().strip()


def parsed(document: Any, masker: Masker | None = None) -> Plan:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse_plan(content, masker or Masker(KEY))


def refusal(document: Any) -> str:
    with pytest.raises(CouldNotLook) as refused:
        parsed(document)
    assert refused.value.cause is Cause.PLAN
    return refused.value.message


def test_a_real_document_is_read() -> None:
    plan = parsed(TAMPERED)
    assert plan.terraform_version == "1.11.4"
    assert plan.complete
    assert plan.reports_drift
    assert plan.resources == 16
    group = plan.drift["aws_cloudwatch_log_group.drift"]
    assert (group.before["retention_in_days"], group.after["retention_in_days"]) == (30, 7)
    assert plan.changes["aws_cloudwatch_log_group.drift"].action is Action.UPDATE
    assert plan.drift["aws_cloudwatch_log_group.gone"].after is None


def test_no_secret_of_a_real_document_is_in_what_is_read() -> None:
    text = repr(parsed(TAMPERED))
    assert "hunter2-original" in TAMPERED.decode()
    # The configuration holds what code says in clear; nothing of it is ever printed.
    shown = text.replace(repr(parsed(TAMPERED).configuration), "")
    assert "hunter2" not in shown


def test_resources_that_stand_still_beside_no_drift_are_not_decoded() -> None:
    still = make_entry("aws_x.still", {"a": 1}, {"a": 1})
    plan = parsed(make_document([], [still, make_entry("aws_x.new", None, {"a": 1})]))
    assert list(plan.changes) == ["aws_x.new"]
    assert plan.resources == 1


def test_siblings_of_a_drifted_resource_are_decoded_although_they_stand_still() -> None:
    group = make_entry("aws_security_group.g", {"ingress": []}, {"ingress": [1]})
    rule = make_entry("aws_security_group_rule.r", {"a": 1}, {"a": 1})
    plan = parsed(make_document([group], [rule]))
    assert list(plan.changes) == ["aws_security_group_rule.r"]


@pytest.mark.parametrize(
    ("actions", "action"),
    [
        (["no-op"], Action.NO_OP),
        (["create"], Action.CREATE),
        (["read"], Action.READ),
        (["update"], Action.UPDATE),
        (["delete"], Action.DELETE),
        (["delete", "create"], Action.REPLACE),
        (["create", "delete"], Action.REPLACE),
        (["create", "forget"], Action.REPLACE),
        (["forget"], Action.FORGET),
    ],
)
def test_actions_are_read_as_terraform_writes_them(actions: list[str], action: Action) -> None:
    assert parse_action(actions, "aws_x.y") is action


@pytest.mark.parametrize(
    "actions", [[], ["dance"], ["delete", "dance"], ["delete", "forget"], ["replace", "x"]]
)
def test_an_action_of_the_future_is_refused_by_name(actions: list[str]) -> None:
    with pytest.raises(CouldNotLook, match=r"aws_x\.y, which this driftwatch does not know"):
        parse_action(actions, "aws_x.y")


@pytest.mark.parametrize("version", ["0.1", "0.2", "1.0", "1.2", "1.99"])
def test_old_formats_and_newer_minor_ones_are_read(version: str) -> None:
    assert parsed(make_document([], [], format_version=version)).changes == {}


@pytest.mark.parametrize("version", ["2.0", "10.1", "", "one"])
def test_another_major_format_is_refused(version: str) -> None:
    assert "Upgrade driftwatch" in refusal(make_document(format_version=version))


def test_unknown_fields_are_accepted() -> None:
    entry = make_entry("aws_x.y", {"a": 1}, {"a": 2}, entry={"identity": {"a": [1]}}, later=[{}])
    plan = parsed(make_document([], [entry], action_invocations=[{"x": 1}], applyable=True))
    assert plan.changes["aws_x.y"].after == {"a": 2}


def test_a_plan_without_resources_is_a_plan() -> None:
    assert parsed(make_document()).resources == 0


def test_a_state_is_refused_with_the_command_that_makes_a_plan() -> None:
    message = refusal({"format_version": "1.0", "values": {"root_module": {}}})
    assert "The document is a state" in message
    assert "terraform show -json plan.bin" in message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 a plan file that nobody converted",
        b"null",
        b"[]",
        b'{"version": 4, "serial": 1, "resources": []}',
        b'{"@level":"info"}\n{"@level":"info"}\n',
        TAMPERED[:20_000],
    ],
)
def test_what_is_no_plan_is_refused_with_the_command_that_makes_one(content: bytes) -> None:
    assert "terraform show -json plan.bin" in refusal(content)


def test_a_document_with_nothing_in_it_is_no_plan() -> None:
    assert "The document is no plan" in refusal({"format_version": "1.2"})


def test_a_plan_that_errored_is_refused_even_where_it_got_nowhere() -> None:
    assert "ended with errors" in refusal(make_document(errored=True))
    assert "ended with errors" in refusal({"format_version": "1.2", "errored": True})


def test_a_byte_order_mark_is_skipped() -> None:
    assert parsed(b"\xef\xbb\xbf" + json.dumps(make_document()).encode()).resources == 0


@pytest.mark.parametrize(
    "before",
    [b'"\xff"', b"[" * 3000 + b"]" * 3000, b"[" * 600 + b"1" + b"]" * 600, b"1e999", b'"\\ud800"'],
)
def test_values_that_cannot_be_decoded_are_refused(before: bytes) -> None:
    document = json.dumps(make_document([], [make_entry("aws_x.y", "BEFORE", {"a": 1})])).encode()
    assert "can read" in refusal(document.replace(b'"BEFORE"', before))


def test_incomplete_and_deferred_plans_say_so() -> None:
    plan = parsed(make_document([], [], complete=False, deferred_changes=[{"reason": "x"}, {}]))
    assert not plan.complete
    assert plan.deferred == 2


@pytest.mark.parametrize(
    ("version", "reports"),
    [
        ("0.12.31", False),
        ("0.15.3", False),
        ("0.15.4", True),
        ("1.0.0-beta1", True),
        ("1.11.4", True),
        ("", True),
        ("1.12.0-dev", True),
        ("nightly", True),
    ],
)
def test_tools_too_old_to_report_drift_are_known(version: str, reports: bool) -> None:
    assert parsed(make_document(terraform_version=version)).reports_drift is reports


def test_a_document_that_does_report_drift_is_believed_whatever_its_version() -> None:
    document = make_document(
        [make_entry("aws_x.y", {"a": 1}, {"a": 2})], terraform_version="0.15.2"
    )
    assert parsed(document).reports_drift


def test_drift_entries_of_terraform_before_1_0_1_get_the_address_that_they_lack() -> None:
    plain = make_entry("aws_x.y", {"a": 1}, {"a": 2})
    inner = make_entry(
        "aws_x.z", {"a": 1}, {"a": 2}, entry={"index": "k", "module_address": "module.m[0]"}
    )
    count = make_entry("aws_x.c", {"a": 1}, {"a": 2}, entry={"index": 0})
    data = make_entry("data.aws_x.d", {"a": 1}, {"a": 2})
    entries = [plain, inner, count, data]
    for entry in entries:
        del entry["address"]
    assert list(parsed(make_document(entries)).drift) == [
        "aws_x.y",
        'module.m[0].aws_x.z["k"]',
        "aws_x.c[0]",
        "data.aws_x.d",
    ]


def test_a_deposed_object_is_kept_apart_from_its_successor() -> None:
    deposed = make_entry("aws_x.y", {"a": 1}, None, entry={"deposed": "ab12cd34"})
    plan = parsed(make_document([], [make_entry("aws_x.y", {"a": 2}, {"a": 3}), deposed]))
    assert list(plan.changes) == ["aws_x.y", "aws_x.y (deposed ab12cd34)"]


def test_resources_that_are_recorded_are_counted() -> None:
    gone = make_entry("aws_x.gone", {"a": 1}, None)
    changes = [
        make_entry("aws_x.gone", None, {"a": 1}),
        make_entry("aws_x.still", {"a": 1}, {"a": 1}),
        make_entry("aws_x.new", None, {"a": 1}),
        make_entry("aws_x.import", {"a": 1}, {"a": 1}, importing={"id": "x"}),
        make_entry("data.aws_x.data", None, {"a": 1}, ["read"]),
    ]
    plan = parsed(make_document([gone], changes))
    assert plan.resources == 2
    assert plan.changes["aws_x.import"].importing


def test_ephemeral_resources_are_nobodys_drift() -> None:
    entry = make_entry("ephemeral.aws_x.y", None, {"a": 1}, ["open"], {"mode": "ephemeral"})
    assert parsed(make_document([], [entry])).changes == {}


def test_a_flag_on_one_side_masks_all_sides_of_a_resource() -> None:
    drift = make_entry("aws_x.y", {"p": "first-secret"}, {"p": "second-secret"})
    change = make_entry(
        "aws_x.y", {"p": "second-secret"}, {"p": "third-secret"}, after_sensitive={"p": True}
    )
    plan = parsed(make_document([drift], [change]))
    values = [
        plan.drift["aws_x.y"].before,
        plan.drift["aws_x.y"].after,
        plan.changes["aws_x.y"].after,
    ]
    assert all(MASK.fullmatch(value["p"]) for value in values)
    assert len({value["p"] for value in values}) == 3


def test_flags_of_both_sides_are_united_at_every_depth() -> None:
    before = {"a": "secret-1", "b": ["x", {"c": "secret-2"}], "d": {"e": "secret-3"}, "f": "open"}
    entry = make_entry(
        "aws_x.y",
        before,
        {**before, "f": "moved"},
        before_sensitive={"a": True, "b": [False, {"c": True}]},
        after_sensitive={"a": True, "b": [False], "d": {"e": True}, "f": False},
    )
    masked = parsed(make_document([], [entry])).changes["aws_x.y"].before
    assert masked["f"] == "open"
    assert masked["b"][0] == "x"
    assert "secret" not in json.dumps(masked).replace("(sensitive", "")


def test_flags_that_contradict_each_other_hide_rather_than_show() -> None:
    entry = make_entry(
        "aws_x.y",
        {"a": ["s3cret-a"]},
        {"a": []},
        before_sensitive={"a": [True]},
        after_sensitive=True,
    )
    assert MASK.fullmatch(parsed(make_document([], [entry])).changes["aws_x.y"].before)
    entry["change"] |= {"before_sensitive": {"a": [True]}, "after_sensitive": {"a": {"b": True}}}
    assert "s3cret" not in repr(parsed(make_document([], [entry])).changes["aws_x.y"])


def test_a_secret_is_masked_by_value_wherever_else_it_stands() -> None:
    """Terraform marks `tags.t` but forgets its copy in `tags_all.t`."""
    tags = {"t": "s3cr3t-tag"}
    owner = make_entry(
        "aws_x.y",
        {"tags": tags, "tags_all": tags, "note": ""},
        {"tags": tags, "tags_all": tags, "note": "holds s3cr3t-tag inside"},
        after_sensitive={"tags": {"t": True}},
        after_unknown={"m": {"s3cr3t-tag": True}},
    )
    other = make_entry("aws_x.z", None, {"copy": "s3cr3t-tag"})
    document = make_document(
        [owner], [other], output_changes={"o": make_change(None, "s3cr3t-tag")}
    )
    assert "s3cr3t" not in repr(parsed(document))


def test_sensitive_variables_outputs_and_data_sources_are_secrets_everywhere() -> None:
    document = make_document(
        [],
        [
            make_entry(
                "aws_x.y", None, {"l": ["var-secret", "out-secret", "data-secret", "open", "free"]}
            )
        ],
        variables={"v": {"value": "var-secret"}, "w": {"value": "open"}, "u": {"value": "free"}},
        configuration={"root_module": {"variables": {"v": {"sensitive": True}, "w": {}}}},
        prior_state={
            "values": {
                "outputs": {
                    "o": {"sensitive": True, "value": {"a": "out-secret"}},
                    "p": {"sensitive": False, "value": "open"},
                },
                "root_module": {
                    "resources": [
                        {
                            "mode": "managed",
                            "values": {"a": "open"},
                            "sensitive_values": {"a": True},
                        }
                    ],
                    "child_modules": [
                        {
                            "resources": [
                                {
                                    "mode": "data",
                                    "values": {"a": "data-secret", "b": "open"},
                                    "sensitive_values": {"a": True},
                                },
                                {"mode": "data", "values": {"a": "open"}, "sensitive_values": {}},
                            ]
                        }
                    ],
                },
            }
        },
    )
    masked = parsed(document).changes["aws_x.y"].after["l"]
    assert masked[3:] == ["open", "free"]
    assert all(MASK.fullmatch(value) for value in masked[:3])


@pytest.mark.parametrize("state", [None, {}, {"values": None}, {"values": {}}])
def test_a_plan_of_an_empty_state_has_no_secrets_in_it(state: Any) -> None:
    assert parsed(make_document([], [], prior_state=state)).resources == 0


def test_a_sensitive_output_is_masked() -> None:
    change = make_change("old-secret", "new-secret", before_sensitive=True, after_sensitive=True)
    output = parsed(make_document([], [], output_changes={"o": change})).outputs["o"]
    assert MASK.fullmatch(output.before)
    assert MASK.fullmatch(output.after)
    assert output.address == "output.o"


def test_failed_checks_are_kept_and_their_messages_scrubbed() -> None:
    def check(name: str, status: str, *messages: str) -> dict[str, Any]:
        problems = [{"message": message} for message in messages]
        return {
            "address": {"kind": "check", "name": name, "to_display": f"check.{name}"},
            "status": status,
            "instances": [{"address": {}, "status": status, "problems": problems}],
        }

    checks = [check("good", "pass"), check("bad", "fail", "is pa55word"), {"status": "unknown"}]
    plan = parsed(make_document([], [], checks=checks), Masker(KEY, ["pa55word"]))
    assert [(c.address, c.status) for c in plan.checks] == [("check.bad", "fail"), ("", "unknown")]
    assert "pa55word" not in plan.checks[0].problems[0]


@given(st.integers(0, len(TAMPERED) - 1))
def test_a_truncated_document_is_refused(length: int) -> None:
    refusal(TAMPERED[:length])


@given(st.integers(0, len(TAMPERED) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_document_is_read_or_refused(at: int, noise: bytes) -> None:
    with suppress(CouldNotLook):
        parsed(TAMPERED[:at] + noise + TAMPERED[at + len(noise) :])


@given(st.sampled_from(sorted(json.loads(TAMPERED))), JSON)
def test_a_document_with_a_wrong_part_is_read_or_refused(name: str, part: Any) -> None:
    with suppress(CouldNotLook):
        parsed({**json.loads(TAMPERED), name: part})


@given(
    st.sampled_from(["before", "after", "after_unknown", "before_sensitive", "after_sensitive"]),
    JSON,
)
def test_any_values_and_flags_can_be_read(name: str, value: Any) -> None:
    entry = make_entry("aws_x.y", {"a": [1]}, {"a": [2]})
    entry["change"][name] = value
    assert parsed(make_document([entry], [entry])).changes
