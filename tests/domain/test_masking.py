"""No secret passes the masker, however it is spelled."""

import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from driftwatch.domain.masking import MASK, Masker
from tests.domain.documents import KEY

SECRET = "hunter2-original"


def make_masker(*secrets: str) -> Masker:
    return Masker(KEY, secrets)


def test_a_flagged_leaf_is_replaced_by_a_digest() -> None:
    masked = make_masker().mask({"user": "app", "password": SECRET}, {"password": True})
    assert masked["user"] == "app"
    assert MASK.fullmatch(masked["password"])


def test_equal_secrets_have_equal_digests_and_others_do_not() -> None:
    one, two, other = make_masker().mask([SECRET, SECRET, "another"], [True, True, True])
    assert one == two != other


def test_a_digest_is_worthless_without_the_key_of_the_installation() -> None:
    assert Masker(b"a").mask(SECRET, True) != Masker(b"b").mask(SECRET, True)


def test_a_flag_on_a_whole_structure_hides_all_of_it() -> None:
    assert MASK.fullmatch(make_masker().mask({"a": [1, {"b": "c"}]}, True))


def test_flags_of_another_shape_than_the_value_are_no_error() -> None:
    masker = make_masker()
    assert masker.mask({"a": [1]}, [True]) == {"a": [1]}
    assert masker.mask(["a"], {"a": True}) == ["a"]
    assert masker.mask("a", {"a": True}) == "a"
    masker.learn_flagged({"a": 1}, [True])
    masker.learn_flagged(["a"], {"a": True})
    masker.learn_flagged("a", None)
    assert masker.mask("a") == "a"


@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_what_is_empty_is_no_secret_and_stays_comparable_with_null(empty: Any) -> None:
    assert make_masker().mask(empty, True) == empty


def test_fewer_flags_than_elements_mask_the_first_ones() -> None:
    masked = make_masker().mask([SECRET, "b"], [True])
    assert MASK.fullmatch(masked[0])
    assert masked[1] == "b"


def test_a_value_that_equals_a_flagged_one_elsewhere_is_masked_without_a_flag() -> None:
    masker = make_masker()
    masker.learn_flagged({"tags": {"t": SECRET}, "l": [SECRET]}, {"tags": {"t": True}})
    assert MASK.fullmatch(masker.mask({"tags_all": {"t": SECRET}}, {})["tags_all"]["t"])


def test_secrets_in_lists_are_learned_by_position() -> None:
    masker = make_masker()
    masker.learn_flagged([{"p": SECRET, "n": "public"}], [{"p": True}])
    assert MASK.fullmatch(masker.mask(SECRET))
    assert masker.mask("public") == "public"


def test_a_map_key_that_holds_a_secret_is_masked_but_an_attribute_name_is_not() -> None:
    masker = make_masker("password")
    masked = masker.mask_attributes({"password": {"my-password": 1}})
    assert list(masked) == ["password"]
    assert MASK.fullmatch(next(iter(masked["password"])))


def test_a_wholly_flagged_resource_is_masked_as_one() -> None:
    assert MASK.fullmatch(make_masker().mask_attributes({"a": 1}, True))
    assert make_masker().mask_attributes(None, False) is None
    assert make_masker().mask_attributes({"a": 1}, [True]) == {"a": 1}


def test_short_secrets_are_masked_only_where_a_value_equals_them() -> None:
    masker = make_masker("dev")
    assert MASK.fullmatch(masker.mask("dev"))
    assert masker.mask("developer") == "developer"
    assert masker.scrub("dev and developer") == "dev and developer"


def test_long_secret_numbers_are_found_as_numbers_and_short_ones_left_alone() -> None:
    masker = make_masker()
    masker.learn([123456, 30, True, None, ("x1x2",)])
    assert masker.mask([30, 1, True]) == [30, 1, True]
    assert MASK.fullmatch(masker.mask(123456))
    assert MASK.search(masker.scrub("pin 123456"))
    assert MASK.search(masker.scrub("pin x1x2"))


def test_what_is_masked_already_is_no_new_secret() -> None:
    masker = make_masker()
    text = masker.mask(SECRET, True)
    masker.learn(text)
    masker.learn(f"{text}-and-more")
    assert masker.mask(text) == text
    assert MASK.fullmatch(masker.mask(f"x{text}-and-more"))


def test_the_masker_counts_what_it_hides() -> None:
    masker = make_masker(SECRET)
    masker.mask([SECRET, "b"])
    masker.scrub(f"{SECRET} {SECRET}")
    assert masker.count == 3


@pytest.mark.parametrize(
    "token",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "github_pat_11ABCDEFG0123456789_abcdef",
        "glpat-0123456789abcdefghij",
        "xoxb-1234567890-abcdefghij",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIE and the rest is cut off",
    ],
)
def test_well_known_tokens_are_masked_although_nobody_flagged_them(token: str) -> None:
    masker = make_masker()
    assert token not in masker.scrub(f"error near {token}\n")
    assert MASK.fullmatch(masker.mask(f"export TOKEN={token}"))


def test_a_password_in_a_url_is_cut_out_of_prose() -> None:
    scrubbed = make_masker().scrub("cannot clone https://bot:s3cr3t@example.com/r.git")
    assert "s3cr3t" not in scrubbed
    assert "example.com/r.git" in scrubbed


def test_prose_without_secrets_is_left_as_it_is() -> None:
    text = "Error: no matching VPC found (https://example.com/docs)"
    assert make_masker().scrub(text) == text


def spellings(secret: str) -> list[str]:
    raw = secret.encode()
    around = [b64encode(prefix + raw + b":tail").decode() for prefix in (b"", b"u", b"us")]
    return [
        secret,
        json.dumps(secret),
        json.dumps({"a": secret}, ensure_ascii=False)
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026"),
        quote(secret, safe=""),
        quote_plus(secret),
        b64encode(raw).decode(),
        urlsafe_b64encode(raw).decode(),
        *around,
    ]


@pytest.mark.parametrize(
    "secret", [SECRET, "pa ss<w>ord&é/ü+~", "ÿÿÿ>>>???~~~", 'q"uo\\te\nd-secret']
)
def test_a_secret_is_found_in_every_spelling(secret: str) -> None:
    for spelling in spellings(secret):
        masker = make_masker(secret)
        assert MASK.fullmatch(masker.mask(f"before {spelling} after")), spelling
        assert spelling.strip("=") not in masker.scrub(f"before {spelling} after")


@given(
    secret=st.text(min_size=4, max_size=30), before=st.text(max_size=9), after=st.text(max_size=9)
)
def test_no_text_that_holds_a_secret_passes(secret: str, before: str, after: str) -> None:
    assume(not any(character in "(sensitive #)0123456789abcdef" for character in secret))
    masker = make_masker(secret)
    text = f"{before}{secret}{after}"
    masked = masker.mask({"a": [{text: text}], "b": json.dumps([text])})
    assert secret not in str(masked["a"][0])
    assert json.dumps(secret)[1:-1] not in json.dumps(masked)
    assert secret not in masker.scrub(text)


@given(
    st.recursive(
        st.text(max_size=9) | st.integers(),
        lambda s: st.lists(s) | st.dictionaries(st.text(max_size=3), s),
    )
)
def test_a_masker_that_knows_nothing_changes_nothing(value: Any) -> None:
    assert make_masker().mask(value) == value


def test_hostile_text_is_searched_in_linear_time() -> None:
    masker = make_masker(SECRET)
    for hostile in (
        "eyJaaaaaaaaa-" * 20_000,
        "-----BEGIN " + "A" * 100_000,
        "://" * 50_000,
        "://a" * 50_000,
    ):
        assert masker.scrub(hostile) == hostile
