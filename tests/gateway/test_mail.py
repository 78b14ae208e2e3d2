"""E-mail by SMTP: over encrypted connections, tried again while the server is away, and told of without its content."""

import asyncio
import datetime
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from auth.tables import FactorKind, now
from gateway import mail
from gateway.demo_folder import mark_demo
from gateway.mail import Mailer, Message, MessageKind, mailer_of, outbox, write
from gateway.messages import (
    factor_added,
    factor_approved,
    factor_recovered,
    factor_removed,
    identity_linked,
    invitation,
    not_me,
    password_changed,
    password_reset,
    place_given,
    possible_clone,
    recovery_code_used,
    recovery_codes_renewed,
)
from gateway.settings import MailSettings, Settings
from tests.mailbox import Mailbox, html_of, link_in, mail_server, text_of

TO = "ann@acme.example"
SENDER = "ITCare <itcare@mail.example>"
MESSAGE = Message(
    MessageKind.PASSWORD_CHANGED, TO, "Grüße <&>", ("One & <two>.", "Three."), "https://x.example/a?b=c&d=e"
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "RETRY_SECONDS", (0.01,))


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with mail_server() as mailbox:
        yield mailbox


def settings(data_dir: Path, mailbox: Mailbox, **given: Any) -> Settings:
    values = {"host": "127.0.0.1", "port": mailbox.port, "security": "none", "sender": SENDER, **given}
    return Settings(data_dir=data_dir, mail=MailSettings(**values))


async def test_a_message_is_sent_as_text_and_as_html(mailbox: Mailbox, tmp_path: Path) -> None:
    mailer = mailer_of(settings(tmp_path, mailbox))
    async with mailer.running():
        mailer.send(MESSAGE)
        taken = await mailbox.next(TO)
    assert (taken["From"], taken["To"], taken["Subject"]) == (SENDER, TO, "Grüße <&>")
    assert taken["Auto-Submitted"] == "auto-generated"
    assert taken["Date"]
    assert taken["Message-ID"].endswith("@mail.example>")
    assert text_of(taken) == "One & <two>.\n\nhttps://x.example/a?b=c&d=e\n\nThree.\n"
    assert "<p>One &amp; &lt;two&gt;.</p>" in html_of(taken)
    assert '<a href="https://x.example/a?b=c&amp;d=e">' in html_of(taken)


async def test_a_message_is_sent_once_the_server_is_there_again(
    tmp_path: Path, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.answers = ["451 try again later"]
    mailer = mailer_of(settings(tmp_path, mailbox))
    async with mailer.running():
        mailer.send(MESSAGE)
        await mailbox.next(TO)
    assert mailbox.tried == 2
    async with mail_server() as gone:
        port = gone.port
    mailer = mailer_of(settings(tmp_path, gone))
    async with mailer.running():
        mailer.send(MESSAGE)
        async with asyncio.timeout(10):
            while not [said for said in caplog.messages if "cannot be sent now" in said][1:]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        async with mail_server(port=port) as back:
            await back.next(TO)


async def test_what_the_server_refuses_for_good_is_given_up_and_the_log_says_so_without_the_content(
    tmp_path: Path, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    mailbox.answers = ["554 no"]
    mailer = mailer_of(settings(tmp_path, mailbox))
    async with mailer.running():
        mailer.send(MESSAGE)
    assert mailbox.tried == 1
    assert caplog.messages == ["An e-mail was given up"]
    mailbox.answers = []
    async with mailer.running():
        mailer.send(MESSAGE)
    assert caplog.messages[-1] == "An e-mail was sent"
    said = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    for secret in (TO, "x.example", "Three"):
        assert secret not in said


async def test_what_waits_when_the_process_ends_is_tried_for_a_moment_and_counted(
    tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mail, "CLOSE_SECONDS", 0.05)
    monkeypatch.setattr(mail, "RETRY_SECONDS", (600.0,))
    mailbox.answers = ["451 later", "451 later"]
    mailer = mailer_of(settings(tmp_path, mailbox))
    async with mailer.running():
        mailer.send(MESSAGE)
        mailer.send(MESSAGE)
    assert caplog.messages[-1] == "E-mails were not sent"
    assert vars(caplog.records[-1])["fields"] == {"count": 2}


async def test_a_flood_is_cut_off(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "MOST_WAITING", 3)
    sent = []

    async def post(message: object) -> None:
        sent.append(message)

    mailer = Mailer(post, SENDER)
    async with mailer.running():
        for _ in range(5):
            mailer.send(MESSAGE)
    assert len(sent) == 3
    assert caplog.messages.count("An e-mail was dropped: too many are waiting") == 2


@pytest.mark.parametrize("to", ["a@b\r\nBcc: c@d.example", "no address", "", "a b@c.example", "@x.example"])
async def test_an_address_that_is_none_gets_nothing_and_no_header_of_its_own(
    to: str, tmp_path: Path, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailer = mailer_of(settings(tmp_path, mailbox))
    async with mailer.running():
        mailer.send(Message(MessageKind.NOT_ME, to, "x", ("y",)))
    assert mailbox.tried == 0
    assert caplog.messages == ["An e-mail cannot be written to that address"]


# -- encrypted


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of its own, and the file to verify it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now() - datetime.timedelta(days=1))
        .not_valid_after(now() + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, private = folder / "mail.pem", folder / "mail.key"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, private)
    return context, file


async def test_over_starttls_with_a_user_and_the_password_of_a_file(tmp_path: Path) -> None:
    context, ca_file = certificate(tmp_path, "localhost")
    secret = tmp_path / "password"
    secret.write_text("a secret of mail\n")
    secret.chmod(0o600)
    async with mail_server(context, sign_in=True) as mailbox:
        given = settings(
            tmp_path, mailbox, host="localhost", security="starttls", ca_file=ca_file, user="gate", password_file=secret
        )
        mailer = mailer_of(given)
        async with mailer.running():
            mailer.send(MESSAGE)
            await mailbox.next(TO)
    assert mailbox.encrypted == [True]
    assert mailbox.users == [b"gate"]


async def test_nothing_is_sent_to_a_server_whose_certificate_is_not_verified(tmp_path: Path) -> None:
    context, _ = certificate(tmp_path, "localhost")
    async with mail_server(context) as mailbox:
        mailer = mailer_of(settings(tmp_path, mailbox, host="localhost", security="starttls"))
        with pytest.raises(ssl.SSLCertVerificationError):
            await mailer._post(write(MESSAGE, SENDER))
    assert mailbox.tried == 0


async def test_nothing_is_sent_in_the_clear_to_a_server_without_starttls(mailbox: Mailbox, tmp_path: Path) -> None:
    mailer = mailer_of(settings(tmp_path, mailbox, security="starttls"))
    with pytest.raises(Exception, match="STARTTLS"):
        await mailer._post(write(MESSAGE, SENDER))
    assert mailbox.tried == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"host": "mail.example", "security": "none"}, "only with a server on this machine"),
        ({"host": "mail.example", "user": "x"}, "go together"),
        ({"sender": "nobody"}, "ITCARE_MAIL_SENDER"),
    ],
)
def test_settings_that_would_send_in_the_clear_or_not_at_all_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        MailSettings(**given)


# -- without a server


async def test_the_demo_writes_messages_into_a_folder_that_only_its_owner_reads(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    without = Settings(data_dir=tmp_path)
    mark_demo(without, 1)
    mailer = mailer_of(without)
    async with mailer.running():
        mailer.send(MESSAGE)
    (path,) = outbox(without).iterdir()
    assert b"To: ann@acme.example" in path.read_bytes()
    assert (path.stat().st_mode & 0o777, outbox(without).stat().st_mode & 0o777) == (0o600, 0o700)
    assert f"An e-mail was written to {path}" in caplog.messages


async def test_elsewhere_nothing_is_written_and_the_log_says_what_to_set(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mailer = mailer_of(Settings(data_dir=tmp_path))
    async with mailer.running():
        mailer.send(MESSAGE)
    assert caplog.messages == ["There is no server for e-mail: set ITCARE_MAIL_HOST", "An e-mail was given up"]
    assert not outbox(Settings(data_dir=tmp_path)).exists()


# -- what people are told


def test_every_message_says_what_happened_and_what_to_do() -> None:
    at = now()
    url = "https://itcare.example"
    told = {
        invitation(TO, url, "s-ecret"): ("An ITCare account was made for you", "72 hours", "second factor"),
        password_reset(TO, url, "s-ecret"): ("asked for a new password", "60 minutes", "ignore"),
        password_changed(TO, url, at): ("was changed", f"{url}/auth/forgot-password"),
        factor_added(TO, url, FactorKind.PHONE, at): ("a telephone was set up", f"{url}/auth/forgot-password"),
        factor_recovered(TO, url, FactorKind.TOTP, at): ("with a recovery code", "24 hours", "If you did not do this"),
        factor_removed(TO, url, FactorKind.WEBAUTHN, at): ("a passkey was removed", "If you did not do this"),
        recovery_code_used(TO, url, None, at): ("a recovery code of your ITCare account was used", f"{url}/auth/"),
        recovery_codes_renewed(TO, url, None, at): ("new recovery codes", "Those before serve no more"),
        possible_clone(TO, url, FactorKind.WEBAUTHN, at): ("There may be a copy of it", "If you did not do this"),
        factor_approved(TO, url, FactorKind.TOTP, at): ("an authenticator app of yours serve at once", f"{url}/auth/"),
        identity_linked(TO, url, "https://idp.example", at): ("by https://idp.example", f"{url}/auth/forgot-password"),
        place_given(TO, url, "Acme"): ("in the organization Acme", "ignore this e-mail"),
        not_me(TO, url, FactorKind.PUSH, at): ("this was not you", f"{url}/auth/forgot-password"),
    }
    assert {message.kind for message in told} == set(MessageKind)
    for message, words in told.items():
        for said in words:
            assert said in message.text
            assert said.replace("'", "&#x27;") in message.html
        assert message.to == TO
    paths = [link_in(write(message, SENDER)) for message in told if message.link]
    assert paths == ["/auth/invitation?link=s-ecret", "/auth/reset-password?link=s-ecret", "/auth/sign-in?"]
