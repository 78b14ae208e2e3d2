"""E-mail: taken at once, sent in the background, tried again while the server cannot be reached.

What is to be sent is given to `Mailer.send` once everything it tells of is committed. What still waits when the process
ends is lost; the log says how many. The log has neither addresses nor what messages say.
"""

import asyncio
import html
import logging
import os
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from enum import StrEnum
from itertools import chain, count, repeat
from pathlib import Path
from typing import Final

import aiosmtplib

from auth.keys import KeyFileError, read_private
from auth.tables import now
from gateway.demo_folder import is_demo
from gateway.settings import MailSettings, Settings

MOST_WAITING: Final = 1000
"""Messages that wait at the most; more are dropped."""
AT_ONCE: Final = 4
"""Connections to the server at a time."""
RETRY_SECONDS: Final = (1.0, 5.0, 30.0, 120.0, 600.0)
"""How long to wait after a failure, the first time and again; the last goes for all later ones."""
ATTEMPTS: Final = 30
CLOSE_SECONDS: Final = 5.0
"""How long the end of the process may take to send what waits."""

_log = logging.getLogger(__name__)


class MessageKind(StrEnum):
    """What a message is about."""

    INVITATION = "INVITATION"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105
    PLACE_GIVEN = "PLACE_GIVEN"
    IDENTITY_LINKED = "IDENTITY_LINKED"
    FACTOR_ADDED = "FACTOR_ADDED"
    FACTOR_CHANGED = "FACTOR_CHANGED"
    NOT_ME = "NOT_ME"


@dataclass(frozen=True, slots=True)
class Message:
    """An e-mail to one person: paragraphs, after the first of which stands the link, if there is one."""

    kind: MessageKind
    to: str
    subject: str
    paragraphs: Sequence[str]
    link: str | None = None

    @property
    def text(self) -> str:
        """The message as plain text."""
        first, *others = self.paragraphs
        return "\n\n".join([first, *([self.link] if self.link else []), *others]) + "\n"

    @property
    def html(self) -> str:
        """The same as HTML."""
        first, *others = (f"<p>{html.escape(paragraph)}</p>" for paragraph in self.paragraphs)
        link = f'<p><a href="{html.escape(self.link)}">{html.escape(self.link)}</a></p>' if self.link else ""
        body = "\n".join([first, *([link] if link else []), *others])
        title = html.escape(self.subject)
        return (
            f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title></head>\n'
            f"<body>\n{body}\n</body>\n</html>\n"
        )


Post = Callable[[EmailMessage], Coroutine[None, None, None]]
"""Hands one message over; raises `Undeliverable` if it never can, anything else if it is to be tried again."""


class Undeliverable(Exception):
    """The server refuses the message for good."""


class Mailer:
    """Sends messages from `sender` by `post`, while it is running."""

    def __init__(self, post: Post, sender: str) -> None:
        self._post = post
        self._sender = sender
        self._room = asyncio.Semaphore(AT_ONCE)
        self._sending: set[asyncio.Task[None]] = set()

    def send(self, message: Message) -> None:
        """Take a message, once what it tells of is committed; never waits, never raises."""
        if len(self._sending) >= MOST_WAITING:
            _log.error("An e-mail was dropped: too many are waiting", extra=_fields(message))
            return
        task = asyncio.create_task(self._deliver(message), name="mail")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let messages be sent until the block ends; then for a moment what is left."""
        try:
            yield
        finally:
            if self._sending:
                _, waiting = await asyncio.wait(self._sending, timeout=CLOSE_SECONDS)
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)
                if waiting:
                    _log.error("E-mails were not sent", extra={"fields": {"count": len(waiting)}})

    async def _deliver(self, message: Message) -> None:
        try:
            written = write(message, self._sender)
        except ValueError:
            _log.error("An e-mail cannot be written to that address", extra=_fields(message))
            return
        pauses = chain(RETRY_SECONDS, repeat(RETRY_SECONDS[-1]))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._room:
                    await self._post(written)
            except Undeliverable:
                break
            except Exception as error:  # noqa: BLE001  # whatever it is, it may go by
                _log.warning("An e-mail cannot be sent now", extra=_fields(message, attempt=attempt), exc_info=error)
                await asyncio.sleep(next(pauses))
            else:
                _log.info("An e-mail was sent", extra=_fields(message, attempt=attempt))
                return
        _log.error("An e-mail was given up", extra=_fields(message))


def mailer_of(settings: Settings) -> Mailer:
    """Give the mailer that the settings describe: by SMTP; without a server, into a folder of the demo, or not at all.

    Raises:
        KeyFileError: the password cannot be read, or the authorities cannot be used.
    """
    if settings.mail.host is not None:
        return Mailer(_smtp(settings.mail, settings.mail.host), settings.mail.sender)
    return Mailer(_outbox(outbox(settings)) if is_demo(settings) else _nowhere, settings.mail.sender)


def outbox(settings: Settings) -> Path:
    """Where the demo writes e-mails if it has no server for them."""
    return settings.data_dir / "outbox"


def write(message: Message, sender: str) -> EmailMessage:
    """Write a message as it is sent; raises ValueError if its address is none."""
    name, address = parseaddr(sender)
    written = EmailMessage()
    written["From"] = Address(name, addr_spec=address)
    written["To"] = _address(message.to)
    written["Subject"] = message.subject
    written["Date"] = format_datetime(now())
    written["Message-ID"] = make_msgid(domain=address.rpartition("@")[2])
    # So that no answering machine answers.
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(message.text)
    written.add_alternative(message.html, subtype="html")
    return written


def _address(text: str) -> Address:
    try:
        return Address(addr_spec=text)
    except (HeaderParseError, IndexError) as error:
        raise ValueError("not an address") from error


def _smtp(given: MailSettings, host: str) -> Post:
    password = read_private(given.password_file).decode().strip() if given.password_file else None
    try:
        context = ssl.create_default_context(cafile=given.ca_file)
    except OSError as error:
        raise KeyFileError(f"The authorities of {given.ca_file} cannot be used: {error.strerror}.") from error

    async def post(message: EmailMessage) -> None:
        try:
            await aiosmtplib.send(
                message,
                hostname=host,
                port=given.port,
                username=given.user,
                password=password,
                use_tls=given.security == "tls",
                start_tls=given.security == "starttls",
                tls_context=None if given.security == "none" else context,
                timeout=given.seconds,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            if all(refused.code >= 500 for refused in error.recipients):
                raise Undeliverable from error
            raise
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
            if error.code >= 500:
                raise Undeliverable from error
            raise

    return post


def _outbox(folder: Path) -> Post:
    numbers = count(1)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def post(message: EmailMessage) -> None:
        path = folder / f"{now():%Y%m%dT%H%M%S}-{os.getpid()}-{next(numbers)}.eml"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(message.as_bytes())
        _log.info("An e-mail was written to %s", path)

    return post


async def _nowhere(_: EmailMessage) -> None:
    _log.error("There is no server for e-mail: set ITCARE_MAIL_HOST")
    raise Undeliverable


def _fields(message: Message, **more: object) -> dict[str, object]:
    return {"fields": {"kind": message.kind.value, **more}}
