"""The tokens the gateway issues itself."""

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.errors import Unauthenticated
from auth.issuer import Issuer
from tests.auth.mint import AUDIENCE, ISSUER, NOW, SECONDS, SUBJECT, Mint, decode

MINUTE = timedelta(minutes=1)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.fixture(scope="session")
def issuer(mint: Mint) -> Issuer:
    return Issuer(mint.signing_key, ISSUER, AUDIENCE)


def parts_of(token: str) -> tuple[dict[str, object], dict[str, object]]:
    header, payload, _ = token.split(".")
    return json.loads(decode(header)), json.loads(decode(payload))


def test_a_token_is_an_access_token_after_rfc_9068(mint: Mint, issuer: Issuer) -> None:
    header, claims = parts_of(issuer.issue(SUBJECT, now=NOW))
    assert header == {"alg": "ES256", "kid": mint.signing_key.kid, "typ": "at+jwt"}
    assert UUID(str(claims.pop("jti"))).version == 4
    assert claims == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(SUBJECT),
        "iat": SECONDS,
        "exp": SECONDS + 900,
        "auth_time": SECONDS,
    }


def test_a_second_factor_is_in_the_token_only_when_there_was_one(issuer: Issuer) -> None:
    _, without = parts_of(issuer.issue(SUBJECT, now=NOW))
    _, with_mfa = parts_of(issuer.issue(SUBJECT, now=NOW, mfa_time=NOW - MINUTE, amr=("pwd", "otp"), acr="mfa"))
    assert not {"mfa_time", "amr", "acr"} & without.keys()
    assert (with_mfa["mfa_time"], with_mfa["amr"], with_mfa["acr"]) == (SECONDS - 60, ["pwd", "otp"], "mfa")
    assert with_mfa["auth_time"] == SECONDS - 60


def test_no_two_tokens_have_the_same_id(issuer: Issuer) -> None:
    ids = {parts_of(issuer.issue(SUBJECT, now=NOW))[1]["jti"] for _ in range(50)}
    assert len(ids) == 50


def test_a_token_issued_now_is_valid_now(mint: Mint, issuer: Issuer) -> None:
    now = datetime.now(UTC)
    assert mint.verifier().verify(issuer.issue(SUBJECT), now).subject == SUBJECT


@given(
    subject=st.uuids(),
    now=MOMENTS,
    lifetime=st.timedeltas(5 * MINUTE, 20 * MINUTE),
    mfa_age=st.none() | st.timedeltas(timedelta(0), timedelta(hours=12)),
    amr=st.lists(st.sampled_from(["pwd", "otp", "hwk", "tel", "mfa"]), max_size=4),
    acr=st.none() | st.just("urn:itcare:mfa"),
)
def test_what_is_issued_is_what_is_verified(
    mint: Mint,
    issuer: Issuer,
    subject: UUID,
    now: datetime,
    lifetime: timedelta,
    mfa_age: timedelta | None,
    amr: list[str],
    acr: str | None,
) -> None:
    mfa_time = None if mfa_age is None else now - mfa_age
    token = issuer.issue(subject, lifetime=lifetime, mfa_time=mfa_time, amr=amr, acr=acr, now=now)
    claims = mint.verifier().verify(token, now)
    assert (claims.subject, claims.amr, claims.acr) == (subject, tuple(amr), acr)
    assert claims.issued_at == now.replace(microsecond=0)
    assert claims.expires_at == claims.issued_at + timedelta(seconds=lifetime // timedelta(seconds=1))
    assert claims.mfa_time == (None if mfa_time is None else mfa_time.replace(microsecond=0))
    assert claims.token_id == parts_of(token)[1]["jti"]


def test_a_time_in_another_zone_is_the_same_moment(issuer: Issuer) -> None:
    _, claims = parts_of(issuer.issue(SUBJECT, now=NOW.astimezone(timezone(timedelta(hours=2)))))
    assert claims["iat"] == SECONDS


@pytest.mark.parametrize("lifetime", [5 * MINUTE, 20 * MINUTE])
def test_a_token_may_live_five_to_twenty_minutes(issuer: Issuer, lifetime: timedelta) -> None:
    _, claims = parts_of(issuer.issue(SUBJECT, lifetime=lifetime, now=NOW))
    assert claims["exp"] == SECONDS + lifetime.total_seconds()


@pytest.mark.parametrize(
    "lifetime", [-MINUTE, timedelta(0), 5 * MINUTE - timedelta(seconds=1), 21 * MINUTE, 1440 * MINUTE]
)
def test_a_token_may_not_live_shorter_or_longer(issuer: Issuer, lifetime: timedelta) -> None:
    with pytest.raises(ValueError, match="lifetime"):
        issuer.issue(SUBJECT, lifetime=lifetime)


def test_an_operators_token_may_live_a_day_and_no_more(mint: Mint, issuer: Issuer) -> None:
    token = issuer.issue(SUBJECT, lifetime=timedelta(hours=24), for_operator=True, now=NOW)
    verifier = mint.verifier()
    assert verifier.verify(token, NOW + timedelta(hours=24)).subject == SUBJECT
    with pytest.raises(Unauthenticated):
        verifier.verify(token, NOW + timedelta(hours=24, seconds=30))
    with pytest.raises(ValueError, match="lifetime"):
        issuer.issue(SUBJECT, lifetime=timedelta(hours=24, seconds=1), for_operator=True)


def test_a_second_factor_cannot_be_still_to_come(issuer: Issuer) -> None:
    with pytest.raises(ValueError, match="future"):
        issuer.issue(SUBJECT, mfa_time=NOW + timedelta(seconds=1), now=NOW)


def test_a_time_without_zone_is_refused(issuer: Issuer) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        issuer.issue(SUBJECT, now=naive)
    with pytest.raises(ValueError, match="time zone"):
        issuer.issue(SUBJECT, mfa_time=naive, now=NOW)
