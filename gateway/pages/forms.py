"""Forms: read with bounds, and only if a page of ours gave them to the same browser."""

import base64
import hmac
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.requests import Request

from gateway.http.errors import MalformedRequest, UnsupportedMediaType
from gateway.http.requests import members_once, read_body
from gateway.pages.errors import ForeignRedirect

MOST_BYTES: Final = 64 * 1024
MOST_FIELDS: Final = 20
MOST_TEXT: Final = 1000
MOST_CONTINUE: Final = 6000
TOKEN: Final = "form"  # noqa: S105
"""The field that carries the token of a form."""
CONTINUE: Final = "continue"
_FORM: Final = "application/x-www-form-urlencoded"
# One slash, so that it is a path and no host; nothing that a browser would read as another character.
_OWN: Final = re.compile(r"/auth(?:/[A-Za-z0-9_-]+)+(?:\?[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?", re.ASCII)


class Form:
    """The fields of a form, each once."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def text(self, name: str, most: int = MOST_TEXT) -> str:
        """Give a field, empty if it is not there.

        Raises:
            MalformedRequest: it is longer than any page's field lets it be.
        """
        text = self._fields.get(name, "")
        if len(text) > most:
            raise MalformedRequest(f"`{name}` has more than {most:,} characters.", argument=name)
        return text

    def uuid(self, name: str) -> UUID:
        """Give a field that holds an id of ours; raises MalformedRequest."""
        text = self._fields.get(name, "")
        try:
            if str(UUID(text)) == text:
                return UUID(text)
        except ValueError:
            pass
        raise MalformedRequest(f"`{name}` is not an id.", argument=name)

    def own_path(self) -> str | None:
        """Give where to go on; raises ForeignRedirect if that is not a page of ours."""
        return own_path(self._fields.get(CONTINUE))


async def read_form(request: Request) -> Form:
    """Read the form of a POST.

    Raises:
        HttpError: what arrived is none.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _FORM or "content-encoding" in request.headers:
        raise UnsupportedMediaType(f"Send a form, as {_FORM}.")
    body = await read_body(request, MOST_BYTES)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError as error:
        raise MalformedRequest("The form is not URL-encoded UTF-8.", argument="body") from error
    fields = members_once(pairs)
    if any("\0" in text for pair in fields.items() for text in pair):
        raise MalformedRequest("The form contains NUL (U+0000).", argument="body")
    return Form(fields)


def own_path(path: str | None) -> str | None:
    """Give a path of our own pages to go on at; None for none.

    Raises:
        ForeignRedirect: it is another host's, or nothing that a page of ours could have asked for.
    """
    if not path:
        return None
    if len(path) > MOST_CONTINUE or not _OWN.fullmatch(path):
        raise ForeignRedirect
    return path


class FormTokens:
    """Makes the tokens by which forms are known, for the secrets of a browser's cookies, under `key`."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(self, form_secret: str, session_secret: str | None) -> str:
        """Give the token of the forms of a browser; signing in or out makes it another."""
        bound = f"{form_secret}\0{session_secret or ''}".encode("utf-8", "replace")
        digest = hmac.digest(self._key, b"form\0" + bound, "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def is_right(self, token: str, form_secret: str | None, session_secret: str | None) -> bool:
        """Say whether a token is the one of a browser with these secrets."""
        if not form_secret:
            return False
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.token(form_secret, session_secret).encode())
