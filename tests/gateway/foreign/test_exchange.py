"""Tokens of a foreign issuer, exchanged for ours over real HTTP: what is right, and everything that is wrong."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from auth.foreign_tokens import INVALID_FOREIGN_TOKEN
from auth.tables import AccountKind
from tests.gateway.foreign.door import ABSENT, ACCESS, EXCHANGE, Door, digest_of_identity, new_subject
from tests.gateway.foreign.realm import AUDIENCE, CERTS, DISCOVERY, RSA_KEY, Realm, answering
from tests.gateway.openid.house import CONSOLE, refused

ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
STRANGER = ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig", "alg": "ES256"})
PAGE = Path(__file__).parents[3] / "docs" / "foreign-issuers.md"


def seconds(**ago: float) -> int:
    return int((datetime.now(UTC) - timedelta(**ago)).timestamp())


async def denied_by(door: Door, answer: httpx.Response) -> dict[str, Any]:
    """The record of one refusal."""
    correlation = answer.headers["x-correlation-id"]
    async with asyncio.timeout(20):
        while True:
            for record in await door.house.records("TOKEN"):
                if record["correlation_id"] == correlation:
                    return record
            await asyncio.sleep(0.05)


# -- who comes in


async def test_a_token_is_exchanged_for_one_of_ours(door: Door) -> None:
    subject = new_subject()
    account = await door.person(subject, door.plain)
    given = await door.comes_in(door.plain.token(subject))
    assert given.keys() == {"access_token", "issued_token_type", "token_type", "expires_in", "refresh_token"}
    assert (given["issued_token_type"], given["token_type"], given["expires_in"]) == (ACCESS, "Bearer", 900)
    claims = door.claims(given)
    assert (claims.subject, claims.amr, claims.acr, claims.mfa_time) == (account, ("fed",), None, None)
    viewer = (await door.house.viewer(given["access_token"])).json()
    assert viewer["data"]["viewer"]["email"] == f"{account}@acme.example"
    (record,) = await door.house.records("TOKEN", account)
    assert (record["decision"], record["reasons"]) == ("ALLOWED", ["TOKEN_EXCHANGE"])
    assert (record["target_type"], record["target_id"]) == ("Session", str(claims.session_id))
    assert record["input_digest"] == f"\\x{digest_of_identity(door.plain.issuer, subject)}"
    assert record["chain"] == str(door.house.shop.acme)


@pytest.mark.parametrize(("typ", "kind"), [("Bearer", ACCESS), ("Bearer", JWT), ("ID", ID_TOKEN), ("ID", JWT)])
async def test_access_and_id_tokens_are_exchanged_as_what_they_are(door: Door, typ: str, kind: str) -> None:
    subject = new_subject()
    account = await door.person(subject, door.plain)
    given = await door.comes_in(door.plain.token(subject, typ=typ), subject_token_type=kind)
    assert door.claims(given).subject == account


@pytest.mark.parametrize(("typ", "kind"), [("Bearer", ID_TOKEN), ("ID", ACCESS), ("Refresh", JWT), ("Logout", JWT)])
async def test_a_token_of_another_kind_is_refused(door: Door, typ: str, kind: str) -> None:
    subject = new_subject()
    await door.person(subject, door.plain)
    answer = await door.exchanges(door.plain.token(subject, typ=typ), subject_token_type=kind)
    assert refused(answer, "invalid_request") == INVALID_FOREIGN_TOKEN


async def test_the_refresh_token_goes_on_as_any_other(door: Door) -> None:
    subject = new_subject()
    account = await door.person(subject, door.gold)
    at = seconds(minutes=2)
    given = await door.comes_in(door.gold.token(subject, acr="gold", auth_time=at))
    answer = await door.house.token(grant_type="refresh_token", client_id=CONSOLE, refresh_token=given["refresh_token"])
    assert answer.status_code == 200, answer.text
    before, after = door.claims(given), door.claims(answer.json())
    assert (after.subject, after.session_id) == (account, before.session_id)
    assert (after.auth_time, after.mfa_time, after.amr) == (before.auth_time, before.mfa_time, before.amr)
    again = await door.house.token(grant_type="refresh_token", client_id=CONSOLE, refresh_token=given["refresh_token"])
    refused(again, "invalid_grant")
    assert not await door.house.is_let_in(answer.json()["access_token"])


async def test_an_api_account_exchanges_a_persons_token_and_gets_no_refresh_token(door: Door) -> None:
    subject, program = new_subject(), await door.house.program()
    account = await door.person(subject, door.plain)
    answer = await door.house.http.post(
        "/auth/token",
        data={"grant_type": EXCHANGE, "subject_token": door.plain.token(subject), "subject_token_type": ACCESS},
        auth=(str(program.account), program.secret),
    )
    assert answer.status_code == 200, answer.text
    assert "refresh_token" not in answer.json()
    assert door.claims(answer.json()).subject == account
    assert await door.house.is_let_in(answer.json()["access_token"])


async def test_that_an_api_account_showed_a_credential_is_noted_also_if_the_token_is_refused(door: Door) -> None:
    program = await door.house.program()
    answer = await door.house.http.post(
        "/auth/token",
        data={"grant_type": EXCHANGE, "subject_token": "secret", "subject_token_type": ACCESS},
        auth=(str(program.account), program.secret),
    )
    refused(answer, "invalid_request")
    used = await door.house.sql("SELECT last_used_at FROM client_credential WHERE id = :id", id=program.credential)
    assert used != [(None,)]
    record = await denied_by(door, answer)
    assert (record["account_id"], record["reasons"]) == (str(program.account), ["TOKEN_EXCHANGE", "INVALID_TOKEN"])


async def test_whoever_comes_in_twice_has_two_sessions(door: Door) -> None:
    subject = new_subject()
    await door.person(subject, door.plain)
    token = door.plain.token(subject)
    first, second = await door.comes_in(token), await door.comes_in(token)
    assert door.claims(first).session_id != door.claims(second).session_id


async def test_unlinking_an_identity_puts_its_owner_out(door: Door) -> None:
    subject = new_subject()
    await door.person(subject, door.plain)
    token = door.plain.token(subject)
    given = await door.comes_in(token)
    assert await door.house.is_let_in(given["access_token"])
    await door.unlink(subject, door.plain)
    assert not await door.house.is_let_in(given["access_token"])
    answer = await door.house.token(grant_type="refresh_token", client_id=CONSOLE, refresh_token=given["refresh_token"])
    refused(answer, "invalid_grant")
    refused(await door.exchanges(token), "invalid_request")


# -- a second factor


@pytest.mark.parametrize(
    ("realm", "claims", "counts"),
    [
        ("plain", {"acr": "gold", "amr": ["otp"]}, False),
        ("gold", {"acr": "gold"}, True),
        ("gold", {"acr": "silver", "amr": ["gold", "otp"]}, False),
        ("gold", {"acr": "gold", "auth_time": None}, False),
        ("gold", {"mfa_time": 1}, False),
    ],
)
async def test_a_second_factor_of_the_issuers_counts_only_by_the_claim_that_is_named(
    door: Door, realm: str, claims: dict[str, Any], counts: bool
) -> None:
    subject, issuer, at = new_subject(), getattr(door, realm), seconds(minutes=1)
    account = await door.person(subject, issuer)
    found = door.claims(await door.comes_in(issuer.token(subject, **{"auth_time": at, **claims})))
    assert found.mfa_time == (datetime.fromtimestamp(at, UTC) if counts else None)
    assert (found.acr, found.amr) == (("mfa", ("fed", "mfa")) if counts else (None, ("fed",)))
    (record,) = await door.house.records("TOKEN", account)
    assert (record["mfa_time"] is not None, record["amr"]) == (counts, list(found.amr))


async def test_a_second_factor_of_the_issuers_is_as_old_as_it_says(door: Door) -> None:
    subject, at = new_subject(), seconds(hours=9)
    await door.person(subject, door.gold)
    found = door.claims(await door.comes_in(door.gold.token(subject, acr="gold", auth_time=at)))
    assert found.mfa_time == found.auth_time == datetime.fromtimestamp(at, UTC)


# -- who does not


async def refused_alike(door: Door, token: str, reason: str) -> dict[str, Any]:
    """Refused in the one way, with a reason for the audit log alone; gives the record."""
    answer = await door.exchanges(token)
    assert refused(answer, "invalid_request") == INVALID_FOREIGN_TOKEN
    record = await denied_by(door, answer)
    assert (record["decision"], record["code"]) == ("DENIED", "INVALID_REQUEST")
    assert record["reasons"] == ["TOKEN_EXCHANGE", reason]
    return record


async def test_a_subject_that_nobody_is_linked_to_is_refused(door: Door) -> None:
    subject = new_subject()
    record = await refused_alike(door, door.plain.token(subject), "UNKNOWN_SUBJECT")
    assert record["input_digest"] == f"\\x{digest_of_identity(door.plain.issuer, subject)}"
    assert record["account_id"] is None


async def test_an_e_mail_address_that_is_another_accounts_is_nothing(door: Door) -> None:
    account = await door.person(new_subject(), door.plain)
    email = f"{account}@acme.example"
    for token in (
        door.plain.token(new_subject(), email=email, email_verified=True, preferred_username=email),
        door.plain.token(email),
        door.plain.token(str(account)),
    ):
        await refused_alike(door, token, "UNKNOWN_SUBJECT")


async def test_the_subject_of_another_issuer_is_somebody_else(door: Door) -> None:
    subject = new_subject()
    await door.person(subject, door.plain)
    await refused_alike(door, door.gold.token(subject), "UNKNOWN_SUBJECT")


async def test_an_account_that_is_disabled_does_not_come_in_and_is_put_out(door: Door) -> None:
    subject = new_subject()
    account = await door.person(subject, door.plain)
    given = await door.comes_in(door.plain.token(subject))
    await door.house.sql("UPDATE account SET disabled_at = now() WHERE id = :id", id=account)
    await refused_alike(door, door.plain.token(subject), "UNKNOWN_SUBJECT")
    assert not await door.house.is_let_in(given["access_token"])


async def test_an_api_account_shows_a_credential_and_no_foreign_token(door: Door) -> None:
    subject = new_subject()
    await door.person(subject, door.plain, AccountKind.API_ACCOUNT)
    await refused_alike(door, door.plain.token(subject), "API_ACCOUNT")


async def test_a_token_of_an_issuer_that_is_not_named_is_refused_and_nobody_is_asked(door: Door) -> None:
    before = len(door.plain.asked)
    await refused_alike(
        door, door.plain.token(new_subject(), iss=f"{door.plain.origin}/realms/other"), "UNKNOWN_ISSUER"
    )
    await refused_alike(door, door.plain.token(new_subject(), iss=f"{door.plain.issuer}/"), "UNKNOWN_ISSUER")
    assert len(door.plain.asked) == before


async def test_our_own_tokens_are_not_exchanged(door: Door) -> None:
    subject = new_subject()
    await door.person(subject, door.plain)
    given = await door.comes_in(door.plain.token(subject))
    await refused_alike(door, given["access_token"], "UNKNOWN_ISSUER")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "account"},
        {"aud": ["account", "itcare-gateway"]},
        {"aud": None},
        {"exp": -120},
        {"iat": 120},
        {"nbf": 120},
        {"exp": None},
        {"iat": None},
        {"cnf": {"jkt": "x"}},
        {"typ": "Refresh"},
        {"subject": "a\nb"},
        {"sub": 1},
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_us_or_not_now_is_refused(door: Door, claims: dict[str, Any]) -> None:
    subject = new_subject()
    await door.person(subject, door.plain)
    now = seconds()
    said = {name: now + value if name in ("exp", "iat", "nbf") and value else value for name, value in claims.items()}
    record = await refused_alike(door, door.plain.token(**{"subject": subject, **said}), "INVALID_TOKEN")
    assert record["input_digest"] is None


async def test_a_token_that_a_stranger_has_signed_is_refused(door: Door) -> None:
    subject = new_subject()
    await door.person(subject, door.plain)
    await refused_alike(door, door.plain.token(subject, key=STRANGER), "INVALID_TOKEN")
    await refused_alike(door, door.plain.token(subject)[:-2], "INVALID_TOKEN")
    await refused_alike(door, "secret", "INVALID_TOKEN")


async def test_a_token_of_another_issuers_key_is_refused(door: Door) -> None:
    """Each issuer signs for itself alone, also if its key has the same name."""
    subject = new_subject()
    await door.person(subject, door.plain)
    await refused_alike(door, door.gold.token(subject, iss=door.plain.issuer), "INVALID_TOKEN")


# -- requests


@pytest.mark.parametrize(
    ("changes", "error", "status"),
    [
        ({"subject_token": None}, "invalid_request", 400),
        ({"subject_token": ""}, "invalid_request", 400),
        ({"subject_token_type": None}, "invalid_request", 400),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request", 400),
        ({"subject_token_type": "access_token"}, "invalid_request", 400),
        ({"actor_token": "x", "actor_token_type": JWT}, "invalid_request", 400),
        ({"actor_token_type": JWT}, "invalid_request", 400),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request", 400),
        ({"audience": "another"}, "invalid_target", 400),
        ({"resource": "https://another.example"}, "invalid_target", 400),
        ({"scope": "openid admin"}, "invalid_scope", 400),
        ({"client_id": "nobody"}, "invalid_client", 401),
        ({"client_id": None}, "invalid_request", 400),
    ],
    ids=str,
)
async def test_a_request_that_cannot_be_answered_is_refused_with_why(
    door: Door, changes: dict[str, str | None], error: str, status: int
) -> None:
    subject = new_subject()
    await door.person(subject, door.plain)
    before = await door.house.sql("SELECT count(*) FROM session")
    answer = await door.exchanges(door.plain.token(subject), **changes)
    refused(answer, error, status)
    assert (await denied_by(door, answer))["code"] == error.upper()
    assert await door.house.sql("SELECT count(*) FROM session") == before


async def test_what_may_be_said_beside_the_token_is_taken(door: Door) -> None:
    subject = new_subject()
    await door.person(subject, door.plain)
    await door.comes_in(
        door.plain.token(subject), audience="itcare-gateway", requested_token_type=ACCESS, scope="openid email"
    )


async def test_a_token_may_have_eight_kibibytes_and_no_more(door: Door) -> None:
    subject = new_subject()
    await door.person(subject, door.plain)
    await door.comes_in(door.plain.token(subject, note="x" * 5300))
    await refused_alike(door, door.plain.token(subject, note="x" * 6000), "INVALID_TOKEN")


async def test_no_refusal_quotes_what_was_sent(door: Door) -> None:
    token = door.plain.token("a-subject-that-nobody-has", email="ann@acme.example")
    answer = await door.exchanges(token)
    said = answer.text + str(answer.headers)
    assert "a-subject" not in said
    assert "ann@" not in said
    assert door.plain.issuer not in said
    record = str(await denied_by(door, answer))
    assert not [part for part in token.split(".") if part in record]
    assert "a-subject" not in record


async def test_the_grant_is_in_the_discovery_document(door: Door) -> None:
    described = (await door.house.http.get("/.well-known/openid-configuration")).json()
    assert EXCHANGE in described["grant_types_supported"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.dictionaries(
        st.sampled_from(
            ["subject_token", "subject_token_type", "client_id", "audience", "scope", "requested_token_type", "x"]
        ),
        st.text(max_size=40) | st.sampled_from([ACCESS, JWT, CONSOLE, "a.b.c", "eyJ9.e30.AAAA"]),
    )
)
async def test_any_form_is_refused_in_order(door: Door, form: dict[str, str]) -> None:
    answer = await door.house.http.post("/auth/token", data={"grant_type": EXCHANGE, **form})
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in {"invalid_request", "invalid_client", "invalid_target", "invalid_scope"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["iss", "aud", "subject", "iat", "exp", "nbf", "jti", "auth_time", "amr", "acr", "typ", "email"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(claims=st.dictionaries(NAMES, JSON, min_size=1, max_size=4))
async def test_claims_of_any_shape_are_refused_alike_and_nobody_is_let_in(door: Door, claims: dict[str, Any]) -> None:
    answer = await door.exchanges(door.gold.token(**{"subject": new_subject(), **claims}))
    assert refused(answer, "invalid_request") == INVALID_FOREIGN_TOKEN


# -- issuers that do not answer


async def test_an_issuer_that_cannot_be_asked_is_said_to_be_away(door: Door) -> None:
    realm = Realm(ABSENT.removesuffix("/realms/absent"))
    answer = await door.exchanges(realm.token(new_subject(), iss=ABSENT))
    refused(answer, "temporarily_unavailable", 503)
    assert answer.headers["retry-after"] == "30"
    assert (await denied_by(door, answer))["reasons"] == ["TOKEN_EXCHANGE", "KEYS_UNAVAILABLE"]


async def test_a_flood_of_unknown_keys_asks_the_issuer_nothing_more(door: Door) -> None:
    subject = new_subject()
    await door.person(subject, door.plain)
    await door.comes_in(door.plain.token(subject))
    before = door.plain.fetches
    tokens = [
        door.plain.token(subject, key=ECKey.generate_key("P-256", {"kid": f"unknown-{number}", "alg": "ES256"}))
        for number in range(40)
    ]
    answers = await asyncio.gather(*(door.exchanges(token) for token in tokens))
    assert {answer.status_code for answer in answers} == {400}
    assert {answer.json()["error_description"] for answer in answers} == {INVALID_FOREIGN_TOKEN}
    assert door.plain.fetches <= before + 1
    await door.comes_in(door.plain.token(subject))


async def test_while_an_issuer_is_down_who_is_in_stays_in_and_known_keys_verify(door: Door) -> None:
    subject = new_subject()
    await door.person(subject, door.down)
    door.down.rotate(RSA_KEY)
    given = await door.comes_in(door.down.token(subject))
    door.down.answers = {DISCOVERY: answering(503), CERTS: answering(503)}
    assert await door.house.is_let_in(given["access_token"])
    answer = await door.house.token(grant_type="refresh_token", client_id=CONSOLE, refresh_token=given["refresh_token"])
    assert answer.status_code == 200, answer.text
    assert await door.house.is_let_in(answer.json()["access_token"])
    for key in door.down.keys:
        await door.comes_in(door.down.token(subject, key=key))


async def test_a_slow_issuer_holds_no_connection_of_the_database(door: Door) -> None:
    """More requests wait for it than there are connections, and others are answered meanwhile."""
    subject = new_subject()
    account = await door.person(subject, door.plain)
    mine = door.house.gateway.token(account)
    gate = asyncio.Event()
    realm = door.slow
    realm.answers[DISCOVERY] = realm.after(gate)
    waiting = [asyncio.create_task(door.exchanges(realm.token(subject))) for _ in range(20)]
    await realm.came.wait()
    assert await door.house.is_let_in(mine)
    gate.set()
    answers = await asyncio.gather(*waiting)
    assert {answer.status_code for answer in answers} == {400}
    assert realm.fetches == 1


# -- the document


def test_the_page_names_every_reason_and_error() -> None:
    page = PAGE.read_text()
    code = (Path(__file__).parents[3] / "gateway" / "http" / "openid" / "exchange.py").read_text()
    named = set(re.findall(r'(?:_refused\(asking, |reasons\.append\()"([A-Z_]+)"', code))
    assert named == {"INVALID_TOKEN", "UNKNOWN_ISSUER", "KEYS_UNAVAILABLE", "UNKNOWN_SUBJECT", "API_ACCOUNT"}
    assert [reason for reason in named if f"| `{reason}` |" not in page] == []
    assert f"`{EXCHANGE}`" in page
    assert AUDIENCE in page
