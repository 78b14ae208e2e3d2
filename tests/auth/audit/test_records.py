"""Entries hold no secret, and have one form each."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.audit import PLATFORM, Decision, Entry, Who
from auth.audit.records import canonical, hash_of, members
from auth.tokens import Claims
from tests.auth.audit.entries import ENTRIES, entry, neighbours
from tests.auth.mint import NOW, SUBJECT

SECRETS = [
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "correct horse battery staple",
    "Tr0ub4dor&3",
    "sk_live_51H8xkZ/aB+c==",
    "postgresql://app:secret@db/itcare",
]
TEXTS = ["label", "code", "target_type", "correlation_id"]


@given(neighbours())
def test_different_entries_have_different_bytes_and_equal_ones_the_same(pair: tuple[Entry, Entry]) -> None:
    one, other = pair
    assert (canonical(members(one, 1)) == canonical(members(other, 1))) == (one == other)


@given(ENTRIES, st.integers(1, 2**63 - 1), st.integers(1, 2**63 - 1))
def test_the_same_entry_in_another_place_has_other_bytes(one: Entry, seq: int, other: int) -> None:
    assert (canonical(members(one, seq)) == canonical(members(one, other))) == (seq == other)


def test_the_bytes_can_be_computed_by_anybody() -> None:
    chain = UUID("0198c1a2-7c55-7e3b-9f00-3f2a1b4c5d6e")
    who = Who(SUBJECT, "ann@acme.example", "192.0.2.7", chain, NOW - timedelta(seconds=10), ("pwd", "otp"))
    content = canonical(members(entry(chain, who=who, at=NOW, reasons=("MFA_STALE",), input_digest=b"\xff" * 32), 7))
    # Another writer of JSON, told the same rules.
    assert content == json.dumps(json.loads(content), sort_keys=True, separators=(",", ":")).encode()
    assert json.loads(content) == {
        "chain": str(chain),
        "seq": 7,
        "at": "2026-03-02T09:30:00.000000+00:00",
        "account_id": str(SUBJECT),
        "email": "ann@acme.example",
        "address": "192.0.2.7",
        "token_id": str(chain),
        "mfa_time": "2026-03-02T09:29:50.000000+00:00",
        "amr": ["pwd", "otp"],
        "label": "START_INSTANCE",
        "decision": "ALLOWED",
        "code": None,
        "reasons": ["MFA_STALE"],
        "target_type": None,
        "target_id": None,
        "cloud_id": None,
        "input_digest": "ff" * 32,
        "correlation_id": None,
        "count": 1,
    }
    assert hash_of(bytes(32), content) == hashlib.sha256(bytes(32) + content).digest()


def test_a_moment_has_one_form_in_every_time_zone() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert members(entry(PLATFORM, at=elsewhere), 1) == members(entry(PLATFORM, at=NOW), 1)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("name", [*TEXTS, "reasons"])
def test_no_field_of_an_entry_takes_a_secret_and_none_is_quoted(name: str, secret: str) -> None:
    value: Any = (secret,) if name == "reasons" else secret
    with pytest.raises(ValueError, match=name) as refusal:
        entry(PLATFORM, **{name: value})
    assert secret not in str(refusal.value)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("name", ["address", "amr", "email"])
def test_no_field_of_who_takes_a_secret(name: str, secret: str) -> None:
    if name == "email" and "@" in secret:
        secret = f"{secret} "
    value: Any = (secret,) if name == "amr" else secret
    with pytest.raises(ValueError, match=name):
        Who(**{name: value})


def test_the_input_is_its_digest_only() -> None:
    with pytest.raises(ValueError, match="input_digest"):
        entry(PLATFORM, input_digest=b'{"password": "secret"}')


@pytest.mark.parametrize(("name", "value"), [("count", 0), ("at", datetime(2026, 1, 1)), ("label", "")])  # noqa: DTZ001
def test_an_entry_that_could_not_be_written_is_not_made(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        entry(PLATFORM, **{name: value})


@given(
    token_id=st.none() | st.text(),
    amr=st.lists(st.text(), max_size=3).map(tuple),
    email=st.none() | st.text() | st.emails(),
    host=st.none() | st.text() | st.ip_addresses().map(str),
)
def test_whoever_sends_a_request_can_be_recorded(
    token_id: str | None, amr: tuple[str, ...], email: str | None, host: str | None
) -> None:
    claims = Claims(SUBJECT, NOW, NOW, token_id, NOW, amr, None)
    who = Who.of(claims, email=email, host=host)
    assert who.account_id == SUBJECT
    assert (who.token_id is None) == (token_id is None)
    assert canonical(members(Entry(PLATFORM, "SIGN_IN", Decision.DENIED, who), 1))


def test_tokens_are_told_apart_by_their_ids() -> None:
    ids = [
        Who.of(Claims(SUBJECT, NOW, NOW, token_id, None, (), None)).token_id for token_id in ("a", "b", str(SUBJECT))
    ]
    assert len(set(ids)) == 3
    assert ids[2] == SUBJECT


def test_who_is_anonymous_has_an_address_all_the_same() -> None:
    assert Who.of(None, host="2001:DB8::1%eth0") == Who(address="2001:db8::1")
    assert Who.of(None, host="testclient") == Who()
    assert NOW.tzinfo is UTC
