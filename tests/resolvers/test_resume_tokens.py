"""Tokens to resume by: what they hold, for whom, and what nobody can read from them."""

import base64
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.errors import BadUserInput
from resolvers.events import Resume, ResumeSeal

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
SEAL = ResumeSeal(KEY)
ANN, BOB, ACME = UUID(int=1), UUID(int=2), UUID(int=3)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOKEN = SEAL.seal(ANN, Resume(NOW, {ACME: 7}))


def is_refused(token: str, seal: ResumeSeal = SEAL, account: UUID = ANN) -> None:
    with pytest.raises(BadUserInput) as refused:
        seal.open(account, token, argument="after")
    assert refused.value.extensions == {"argument": "after"}


@given(st.uuids(), st.datetimes(datetime(2000, 1, 1)), st.dictionaries(st.uuids(), st.integers(0, 2**63 - 1)))  # noqa: DTZ001
def test_a_token_gives_what_was_sealed(account: UUID, at: datetime, positions: dict[UUID, int]) -> None:
    resume = Resume(at.replace(microsecond=0, tzinfo=UTC), positions)
    assert SEAL.open(account, SEAL.seal(account, resume), argument="after") == resume


def test_a_token_is_good_for_its_account_and_its_key_alone() -> None:
    is_refused(TOKEN, account=BOB)
    is_refused(TOKEN, ResumeSeal(OTHER_KEY))


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("ABCXYZabcxyz0189-_=+/ "))
def test_a_token_that_was_changed_is_refused(place: int, character: str) -> None:
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    if changed != TOKEN:
        is_refused(changed)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_what_is_no_token_is_refused(text: str) -> None:
    is_refused(text)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_numbers_leave_no_trace_in_a_token(one: int, other: int) -> None:
    tokens = [SEAL.seal(ANN, Resume(NOW, {ACME: seq})) for seq in (one, other, other)]
    assert len({len(token) for token in tokens}) == 1
    assert len(set(tokens)) == 3
    for seq, token in zip((one, other), tokens, strict=False):
        raw = base64.urlsafe_b64decode(token + "==")
        assert seq < 2**32 or seq.to_bytes(8) not in raw
        assert ACME.bytes not in raw
