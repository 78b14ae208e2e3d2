"""A local SMTP server, whose mailbox a test reads."""

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

# It logs what is said to it.
logging.getLogger("mail.log").setLevel(logging.WARNING)


class Mailbox:
    """What the server took. `answers` are what it says to the next messages instead of taking them."""

    def __init__(self) -> None:
        self.port = 0
        self.answers: list[str] = []
        self.tried = 0
        self.users: list[bytes] = []
        self.encrypted: list[bool] = []
        self._taken: asyncio.Queue[tuple[str, EmailMessage]] = asyncio.Queue()

    async def next(self, to: str | None = None) -> EmailMessage:
        """Wait for the next message; to somebody, if it is said to whom."""
        async with asyncio.timeout(20):
            while True:
                recipient, message = await self._taken.get()
                if to is None or recipient == to:
                    return message

    def is_empty(self) -> bool:
        return self._taken.empty()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self.tried += 1
        self.encrypted.append(session.ssl is not None)
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        for recipient in envelope.rcpt_tos:
            self._taken.put_nowait((recipient, message))
        return "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.users.append(data.login)
        return AuthResult(success=data.password == b"a secret of mail", handled=False)


@asynccontextmanager
async def mail_server(
    context: ssl.SSLContext | None = None, *, port: int = 0, sign_in: bool = False
) -> AsyncIterator[Mailbox]:
    """Serve SMTP on this machine, with STARTTLS if there is a context for it, until the block ends."""
    mailbox = Mailbox()
    more: dict[str, Any] = {}
    if sign_in:
        more = {"authenticator": mailbox.authenticate, "auth_required": True}

    def protocol() -> SMTP:
        return SMTP(mailbox, tls_context=context, require_starttls=context is not None, hostname="mail", **more)

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        await server.wait_closed()


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def link_in(message: EmailMessage) -> str:
    """The path of the link of a message, with its parameters."""
    (url,) = re.findall(r"^https?://\S+$", text_of(message), re.MULTILINE)
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
