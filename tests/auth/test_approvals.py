"""Digests of operations: the same operation has the same one however it was written, and no other has it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from auth.mfa.approvals import operation_digest
from auth.mfa.sealing import SealBroken, SecretSeal
from auth.mfa.totp import code_at, provisioning_uri, step_at, step_of
from auth.permissions import Action

ACCOUNT, CLOUD, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RFC_SECRET = b"12345678901234567890"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Size(StrEnum):
    LARGE = "LARGE"


class Number(Enum):
    ONE = 1


def digest(values: Mapping[str, Any]) -> bytes:
    return operation_digest(ACCOUNT, Action.DELETE_INSTANCE, CLOUD, values)


def turned(value: Any) -> Any:
    """The same value with the members of its mappings in another order, and tuples for lists."""
    if isinstance(value, dict):
        return {name: turned(value[name]) for name in reversed(value)}
    return tuple(map(turned, value)) if isinstance(value, list) else value


@given(values=st.dictionaries(st.text(), VALUES, max_size=6))
def test_the_order_in_which_an_input_is_written_makes_no_difference(values: dict[str, Any]) -> None:
    assert digest(values) == digest(turned(values))
    assert len(digest(values)) == 32


@given(first=st.dictionaries(st.text(), VALUES, max_size=3), second=st.dictionaries(st.text(), VALUES, max_size=3))
def test_inputs_with_one_digest_are_equal(first: dict[str, Any], second: dict[str, Any]) -> None:
    left_out = {"idempotencyKey", "changeReference", "dryRun"}
    if digest(first) == digest(second):
        assert {k: v for k, v in first.items() if k not in left_out} == {
            k: v for k, v in second.items() if k not in left_out
        }


@given(values=st.dictionaries(st.text(), VALUES, max_size=3), key=st.text(), dry=st.booleans())
def test_what_does_not_change_the_operation_is_left_out(values: dict[str, Any], key: str, dry: bool) -> None:
    assert digest(values) == digest({**values, "idempotencyKey": key, "changeReference": key, "dryRun": dry}) or (
        {"idempotencyKey", "changeReference", "dryRun"} & values.keys()
    )


def test_what_is_left_out_counts_where_it_means_something_else() -> None:
    assert digest({"item": {"dryRun": True}}) != digest({"item": {"dryRun": False}})


def test_who_what_and_where_are_part_of_it() -> None:
    usual = operation_digest(ACCOUNT, Action.DELETE_INSTANCE, CLOUD, {})
    others = {
        operation_digest(OTHER, Action.DELETE_INSTANCE, CLOUD, {}),
        operation_digest(ACCOUNT, Action.DELETE_LB, CLOUD, {}),
        operation_digest(ACCOUNT, Action.DELETE_INSTANCE, OTHER, {}),
        operation_digest(CLOUD, Action.DELETE_INSTANCE, ACCOUNT, {}),
    }
    assert len(others | {usual}) == 5


def test_values_of_the_schemas_own_types_are_written_in_one_way() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=2)))
    assert digest({"at": NOON, "size": Size.LARGE, "of": [{"id": OTHER}], "n": Number.ONE}) == digest(
        {"n": 1, "of": ({"id": str(OTHER)},), "size": "LARGE", "at": elsewhere}
    )
    assert digest({"at": NOON}) != digest({"at": NOON + timedelta(microseconds=1)})


def test_nothing_is_not_the_same_as_absent_or_false() -> None:
    assert len({digest({}), digest({"a": None}), digest({"a": False}), digest({"a": 0}), digest({"a": ""})}) == 5


@pytest.mark.parametrize(
    "value",
    [object(), {1, 2}, b"bytes", {1: 2}, [object()], {"a": {2: 3}}, timedelta(1)],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        digest({"value": value})


@pytest.mark.parametrize("value", [datetime(2026, 3, 2, 12), float("nan"), float("inf")])  # noqa: DTZ001 - the point
def test_what_means_nothing_definite_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"zone|JSON"):
        digest({"value": value})


# -- codes and sealed secrets


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    assert code_at(RFC_SECRET, step_at(now)) == code
    assert step_of(RFC_SECRET, code, now) == seconds // 30


def test_of_two_steps_with_one_code_the_later_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth.mfa.totp.code_at", lambda secret, step: "123456")
    assert step_of(RFC_SECRET, "123456", NOON) == step_at(NOON) + 1


def test_the_address_for_the_app_names_account_and_issuer() -> None:
    uri = provisioning_uri(RFC_SECRET, "pow@demo.example", "ITCare")
    assert uri.startswith("otpauth://totp/ITCare:pow%40demo.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    assert uri.endswith("issuer=ITCare")


def test_a_sealed_secret_is_opened_for_its_own_factor_only() -> None:
    seal = SecretSeal([bytes(32)])
    sealed = seal.seal(ACCOUNT, RFC_SECRET)
    assert RFC_SECRET not in sealed
    assert sealed != seal.seal(ACCOUNT, RFC_SECRET)
    assert seal.open(ACCOUNT, sealed) == RFC_SECRET
    with pytest.raises(SealBroken):
        seal.open(OTHER, sealed)


def test_a_secret_sealed_with_an_older_key_is_opened_and_the_first_key_seals() -> None:
    old, new = bytes(32), bytes(range(32))
    assert SecretSeal([new, old]).open(ACCOUNT, SecretSeal([old]).seal(ACCOUNT, RFC_SECRET)) == RFC_SECRET
    with pytest.raises(SealBroken):
        SecretSeal([old]).open(ACCOUNT, SecretSeal([new, old]).seal(ACCOUNT, RFC_SECRET))


@given(content=st.binary(max_size=80), flip=st.integers(0, 400))
def test_what_was_changed_is_never_opened(content: bytes, flip: int) -> None:
    seal = SecretSeal([bytes(32)])
    for changed in (content, b"\x01" + content):
        with pytest.raises(SealBroken):
            seal.open(ACCOUNT, changed)
    sealed = bytearray(seal.seal(ACCOUNT, RFC_SECRET))
    sealed[flip % len(sealed)] ^= 1
    with pytest.raises(SealBroken):
        seal.open(ACCOUNT, bytes(sealed))


def test_secrets_are_sealed_with_aes_256() -> None:
    sealed = SecretSeal([bytes(32)]).seal(ACCOUNT, RFC_SECRET)
    assert (
        AESGCM(bytes(32)).decrypt(sealed[1:13], sealed[13:], b"itcare factor secret 1 " + ACCOUNT.bytes) == RFC_SECRET
    )
