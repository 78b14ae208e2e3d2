"""What a page takes a form from: a browser that it gave it to, and nobody else."""

import logging

import httpx
import pytest

from gateway.http.headers import SECURE_HEADERS
from tests.gateway.pages.visiting import ACCOUNT, PASSWORD, SIGN_IN, House, Visitor, code_of, logged, token_of

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def send(visitor: Visitor, token: str, email: str, **headers: str) -> httpx.Response:
    fields = {"form": token, "email": email, "password": PASSWORD}
    return await visitor.client.post(SIGN_IN, data=fields, headers=headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_a_form_from_another_origin_is_refused(headers: dict[str, str], house: House, visitor: Visitor) -> None:
    person = await house.person()
    answer = await send(visitor, await visitor.token(), person.email, **headers)
    assert (answer.status_code, code_of(answer)) == (403, "ORIGIN_REFUSED")
    assert await visitor.signed_in_as() is None


async def test_a_form_of_ones_own_origin_is_taken(house: House, visitor: Visitor) -> None:
    person = await house.person()
    answer = await send(visitor, await visitor.token(), person.email, Origin=visitor.origin)
    assert answer.status_code == 303
    answer = await send(visitor, await visitor.token(ACCOUNT), person.email)  # as a program sends it
    assert answer.status_code == 303


async def test_who_comes_by_another_name_is_told_where_the_site_is(house: House, visitor: Visitor) -> None:
    url = house.settings.public_url
    elsewhere = url.replace("127.0.0.1", "localhost")
    assert elsewhere != url
    answer = await visitor.submit(SIGN_IN, headers={"Origin": elsewhere, "Host": elsewhere.partition("//")[2]})
    assert (answer.status_code, code_of(answer)) == (403, "ORIGIN_REFUSED")
    assert f"Open it at {url}." in answer.text


async def test_a_form_without_the_token_of_its_browser_is_refused(house: House, visitor: Visitor) -> None:
    person = await house.person()
    async with house.visitor() as other:
        foreign = await other.token()
    own = await visitor.token()
    for token in ("", "x", foreign, own[:-1], own + "x", "\u00e9", own.swapcase()):
        answer = await send(visitor, token, person.email)
        assert (answer.status_code, code_of(answer)) == (403, "FORM_REFUSED")
    async with house.visitor() as bare:
        assert code_of(await send(bare, own, person.email)) == "FORM_REFUSED"
    assert (await send(visitor, own, person.email)).status_code == 303


async def test_the_token_of_a_form_is_another_once_somebody_has_signed_in(house: House, visitor: Visitor) -> None:
    person = await house.person()
    before = await visitor.token()
    await visitor.sign_in(person.email)
    assert code_of(await send(visitor, before, person.email)) == "FORM_REFUSED"
    answer = await visitor.client.post("/auth/sign-out", data={"form": before})
    assert code_of(answer) == "FORM_REFUSED"
    assert await visitor.signed_in_as() == person.email


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"x=%ff", FORM, 400, "BAD_USER_INPUT"),
        (b"x=%00", FORM, 400, "BAD_USER_INPUT"),
        (b"email=a&email=b", FORM, 400, "BAD_USER_INPUT"),
        ("email=\u00e9".encode(), FORM, 400, "BAD_USER_INPUT"),
        (b"email", FORM, 400, "BAD_USER_INPUT"),
        (b"&".join(b"x%d=" % n for n in range(50)), FORM, 400, "BAD_USER_INPUT"),
        (b"x=" + b"y" * 70_000, FORM, 413, "LIMIT_EXCEEDED"),
        (b"", FORM, 403, "FORM_REFUSED"),
        (b"{}", {"Content-Type": "application/json"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"x=y", {}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"x=y", {**FORM, "Content-Encoding": "gzip"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"", {"Content-Type": "multipart/form-data; boundary=x"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
async def test_what_is_no_form_gets_a_page_that_says_so(
    content: bytes, headers: dict[str, str], status: int, code: str, visitor: Visitor
) -> None:
    await visitor.token()
    for path in (SIGN_IN, "/auth/sign-out", "/auth/account/end-other-sessions"):
        answer = await visitor.client.post(path, content=content, headers=headers)
        assert (answer.status_code, code_of(answer)) == (status, code)


async def test_other_methods_are_refused_with_those_that_there_are(visitor: Visitor) -> None:
    for method in ("PUT", "PATCH", "DELETE"):
        answer = await visitor.client.request(method, SIGN_IN)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert (await visitor.get("/auth/account/end-other-sessions")).headers["allow"] == "POST"
    assert (await visitor.client.head(SIGN_IN)).status_code == 200


async def test_a_page_is_not_kept_not_framed_and_runs_no_script_of_its_own(visitor: Visitor) -> None:
    for answer in (await visitor.get(SIGN_IN), await visitor.get(f"{SIGN_IN}?continue=//evil.example")):
        headers = answer.headers
        policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["style-src"] == policy["script-src"] == policy["form-action"] == "'self'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store, no-transform"
        assert headers["referrer-policy"] == "strict-origin"
        kept = ("X-Content-Type-Options", "X-Frame-Options", "Cross-Origin-Opener-Policy")
        assert {name: headers[name] for name in kept} == {name: SECURE_HEADERS[name] for name in kept}
        assert "style=" not in answer.text
        assert "<script" not in answer.text


async def test_the_style_sheet_is_served_and_nothing_beside_it(visitor: Visitor) -> None:
    answer = await visitor.get("/auth/assets/style.css")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
    for name in ("x.css", "..%2Ftemplates%2Flayout.html", "..%2Fsite.py", "style.css%00", ""):
        assert (await visitor.get(f"/auth/assets/{name}")).status_code == 404


async def test_what_was_refused_is_in_the_audit_log_and_what_was_typed_is_in_no_log(
    house: House, visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await send(visitor, "x", "typed@secret.example", Origin="https://evil.example")
    await visitor.sign_in("typed@secret.example", "a secret phrase that was typed")
    assert token_of(await visitor.get(SIGN_IN))
    said = logged(caplog)
    assert "POST" in said
    for secret in ("typed@secret", "secret phrase", visitor.client.cookies["itcare-form"]):
        assert secret not in said
