"""Members of a JSON body; whatever is wrong with one is a clear 400."""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from starlette.requests import Request

from gateway.http.errors import MalformedRequest
from gateway.http.requests import read_object

MOST_BYTES: Final = 16 * 1024
"""Size of a body; a browser's answer for a passkey takes some of it."""
MOST_CODE: Final = 64


async def read_members(request: Request, members: Collection[str]) -> dict[str, Any]:
    """Read a JSON object with no other members than these."""
    body = await read_object(request, MOST_BYTES)
    unknown = min(body.keys() - set(members), default=None)
    if unknown is not None:
        raise MalformedRequest(f"`{ascii(unknown[:100])[1:-1]}` is not known here.", argument="body")
    return body


def uuid_in(body: dict[str, Any], name: str) -> UUID:
    """Read an id."""
    value = body.get(name)
    try:
        uuid = UUID(value)
        # UUID() also takes braces and upper case; an id has one spelling.
        if str(uuid) == value:
            return uuid
    except (ValueError, TypeError, AttributeError):
        pass
    raise MalformedRequest(f"`{name}` must be the id that you were given.", argument=name)


def optional_uuid_in(body: dict[str, Any], name: str) -> UUID | None:
    """Read an id that may be left out."""
    return None if body.get(name) is None else uuid_in(body, name)


def text_in(body: dict[str, Any], name: str, most: int = MOST_CODE) -> str:
    """Read a text of 1 to so many characters."""
    text = body.get(name)
    if not isinstance(text, str) or not 1 <= len(text) <= most:
        raise MalformedRequest(f"`{name}` must be a string of 1 to {most} characters.", argument=name)
    return text


def object_in(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Read an object."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise MalformedRequest(f"`{name}` must be an object.", argument=name)
    return value
