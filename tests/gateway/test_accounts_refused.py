"""Management of accounts that is refused: wrong inputs, accounts that are not there, what is none of the caller's."""

import json
from typing import Any
from uuid import uuid4

import pytest

from schema.ids import global_id
from tests.gateway.accounted import NEW, PRIVATE_JWK, PUBLIC_JWK, Accounted, accounted
from tests.gateway.renewing import Stages


@pytest.fixture
async def console(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> Accounted:
    return await accounted(stages, monkeypatch)


LONG = "x" * 10_000
CYRILLIC_A, WIDE_N = "\N{CYRILLIC SMALL LETTER A}", "\N{FULLWIDTH LATIN SMALL LETTER N}"
WRONG: list[tuple[str, dict[str, Any], list[str]]] = [
    *(
        ("requestAccount", {"account": {"email": email}}, ["account", "email"])
        for email in (
            *("", " ", "ann", "@new.example", "ann@", "ann@localhost", "ann@new..example", "ann@@new.example"),
            *("ann@new.example\n", "ann @new.example", "Ann <ann@new.example>", ".ann@new.example", "a@b.c"),
            *(
                "\N{CYRILLIC SMALL LETTER A}nn@new.example",
                "ann@n\N{CYRILLIC SMALL LETTER IE}w.example",
                "ann@new.example\u200b",
                "ann@\N{FULLWIDTH LATIN SMALL LETTER N}ew.example",
            ),
            *(f"{LONG}@new.example", f"{'a' * 65}@new.example", f"ann@{LONG}.example", LONG, "a" * 250 + "@b.ex"),
            *('"ann"@new.example', "ann@-new.example", "ann@[10.0.0.1]", "ann,bob@new.example"),
        )
    ),
    *(
        ("requestAccount", {"account": {"program": name}}, ["account", "program"])
        for name in (
            "",
            "BI",
            "bi@new.example",
            "-bi",
            "bi-",
            "b i",
            LONG,
            f"{CYRILLIC_A}bc",
            "a" * 64,
        )
    ),
    ("requestAccount", {"reason": LONG}, ["reason"]),
    ("requestAccount", {"reason": "\x07"}, ["reason"]),
    *(
        ("linkIdentity", {"issuer": issuer}, ["issuer"])
        for issuer in (
            "",
            "acme",
            "ftp://idp.example",
            "https://u@idp.example",
            f"https://{LONG}",
            "https://id p/",
            "\t",
        )
    ),
    *(("linkIdentity", {"subject": subject}, ["subject"]) for subject in ("", LONG, "a\nb", f"{CYRILLIC_A}nn")),
    ("addClientSecret", {"label": ""}, ["label"]),
    ("addClientSecret", {"label": LONG}, ["label"]),
    ("addClientSecret", {"label": "a\nb"}, ["label"]),
    ("addClientSecret", {"account": {"email": "dtm@people.example"}}, ["account"]),
    ("resendInvitation", {"account": {"email": "program@people.example"}}, ["account"]),
]


async def test_what_is_wrong_with_an_input_is_told_before_a_second_factor_is_asked_for(console: Accounted) -> None:
    inputs = {mutation: await console.prepare(mutation) for mutation in {name for name, *_ in WRONG}}
    before = await console.state()
    for mutation, wrong, field in WRONG:
        who = "platform" if mutation == "linkIdentity" else "representative"
        reply = await console.ask(who, mutation, {**inputs[mutation], **wrong}, mfa_age=None)
        assert reply.user_errors == ["INVALID_VALUE"], (mutation, wrong)
        assert reply.payload["userErrors"][0]["field"] == field, (mutation, wrong)
    assert await console.state() == before


@pytest.mark.parametrize(
    "jwk",
    [
        PRIVATE_JWK,
        json.dumps({**json.loads(PUBLIC_JWK), "d": None}),
        json.dumps({"kty": "oct", "k": "c2VjcmV0"}),
        json.dumps({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}),
        json.dumps({**json.loads(PUBLIC_JWK), "x": "AA"}),
        json.dumps({**json.loads(PUBLIC_JWK), "use": "enc"}),
        json.dumps({"keys": [json.loads(PUBLIC_JWK)]}),
        PUBLIC_JWK + " " * 10_000,
        "-----BEGIN PRIVATE KEY-----",
        "[" * 5_000,
        "null",
        "",
        "\0",
    ],
)
async def test_what_is_no_public_key_is_refused_and_never_quoted(
    console: Accounted, caplog: pytest.LogCaptureFixture, jwk: str
) -> None:
    before = await console.state()
    values = {**await console.prepare("addClientKey"), "jwk": jwk}
    for age in (None, 10):
        reply = await console.ask("representative", "addClientKey", values, mfa_age=age)
        if "errors" in reply.body:
            assert (jwk, reply.code) == ("\0", "BAD_USER_INPUT")
            continue
        (error,) = reply.payload["userErrors"]
        assert (error["code"], error["field"]) == ("INVALID_VALUE", ["jwk"])
        assert error["message"].startswith("This is not a public JSON Web Key for signatures")
    assert await console.state() == before
    private = json.loads(PRIVATE_JWK)["d"]
    for text in (caplog.text, str(await console.sql("SELECT to_jsonb(r) FROM audit_record r")), reply.answer.text):
        assert private not in text


@pytest.mark.parametrize(
    ("mutation", "wrong"),
    [
        ("requestAccount", {"account": {}}),
        ("requestAccount", {"account": {"email": NEW, "program": "bi"}}),
        ("requestAccount", {"account": {"email": None}}),
        ("approveAccount", {"requestId": "nothing"}),
        ("disableAccount", {"account": {"id": "nothing"}}),
        ("disableAccount", {"account": {"email": "a\0b"}}),
        ("approveFactor", {"kind": "FACE"}),
        ("addClientSecret", {"expiresAt": "tomorrow"}),
    ],
)
async def test_what_does_not_fit_the_schema_is_bad_input_and_never_a_fault(
    console: Accounted, mutation: str, wrong: dict[str, Any]
) -> None:
    is_platforms = mutation in ("approveAccount", "disableAccount")
    who, values = "platform" if is_platforms else "representative", await console.prepare(mutation)
    before = await console.state()
    assert (await console.ask(who, mutation, {**values, **wrong})).code == "BAD_USER_INPUT"
    assert await console.state() == before


@pytest.mark.parametrize(
    ("who", "mutation"),
    [
        ("representative", "resendInvitation"),
        ("representative", "approveFactor"),
        ("representative", "addClientSecret"),
        ("platform", "disableAccount"),
    ],
)
async def test_an_account_of_another_organization_and_none_get_the_same_bytes(
    console: Accounted, who: str, mutation: str
) -> None:
    values = await console.prepare(mutation)
    accounts = [{"email": "nobody.at.all@people.example"}, {"id": global_id("Account", uuid4())}, {"email": ""}]
    if who == "representative":
        abroad = console.people.people["abroad"]
        accounts += [{"email": "abroad@people.example"}, {"id": global_id("Account", abroad)}]
    replies = [await console.ask(who, mutation, {**values, "account": account}) for account in accounts]
    assert {reply.answer.content for reply in replies} == {replies[0].answer.content}
    assert replies[0].user_errors == ["NOT_FOUND"]


async def test_whoever_is_not_of_the_platform_is_told_the_same_of_every_account(console: Accounted) -> None:
    emails = ["dtm@people.example", "abroad@people.example", "nobody@people.example", "platform@people.example"]
    for who in ("representative", "pow", "program"):
        replies = [await console.ask(who, "disableAccount", {"account": {"email": email}}) for email in emails]
        assert len({reply.answer.content for reply in replies}) == 1
        assert replies[0].code == "FORBIDDEN"


async def test_a_foreign_thing_and_one_that_does_not_exist_get_the_same_bytes(console: Accounted) -> None:
    request = await console.add_request()
    credential = (await console.prepare("revokeClientCredential"))["credentialId"]
    cloud = (await console.prepare("refuseCloud"))["requestId"]
    for mutation, field, ids in (
        ("approveAccount", "requestId", [request, global_id("AccountRequest", uuid4()), console.acme]),
        ("refuseAccount", "requestId", [request, global_id("AccountRequest", uuid4())]),
        ("refuseCloud", "requestId", [cloud, global_id("CloudRequest", uuid4())]),
        ("revokeClientCredential", "credentialId", [credential, global_id("ClientCredential", uuid4())]),
    ):
        for who in ("envoy", "pow"):
            replies = [await console.ask(who, mutation, {field: value}) for value in ids]
            assert len({reply.answer.content for reply in replies}) == 1, mutation
            assert replies[0].code == "NOT_FOUND"
