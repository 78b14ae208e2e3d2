"""From the bytes of a body or a query string to a GraphQL request; whatever they hold, the answer is a clear 4xx."""

import json
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from starlette.requests import Request

from gateway.http.errors import MalformedRequest, MethodNotAllowed, RequestTooLarge
from gateway.http.negotiation import require_json


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A well-formed GraphQL request: its text values are free of NUL and of unpaired surrogates."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]


async def read_request(request: Request, max_bytes: int) -> GraphQLRequest:
    """Read the GraphQL request of a GET or a POST of at most `max_bytes`.

    Raises:
        HttpError: what arrived is none.
    """
    if request.method == "GET":
        return graphql_request(_query_string(request.scope["query_string"], max_bytes))
    if request.method == "POST":
        require_json(request.headers)
        return graphql_request(_json(await read_body(request, max_bytes), "body"))
    raise MethodNotAllowed("Send GraphQL requests with POST, or queries with GET.", allow="GET, POST")


async def read_object(request: Request, max_bytes: int) -> dict[str, Any]:
    """Read a POST of at most `max_bytes` whose body is a JSON object, with texts as they are in GraphQL requests.

    Raises:
        HttpError: what arrived is none.
    """
    require_json(request.headers)
    members = _json(await read_body(request, max_bytes), "body")
    if not isinstance(members, dict):
        raise MalformedRequest("The body must be a JSON object.", argument="body")
    for text in _texts(members):
        _require_plain(text, "body")
    return members


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Read a body, and stop once it is too large, whatever its declared length says."""
    declared = request.headers.get("content-length", "0")[:15]
    if declared.isdecimal() and int(declared) > max_bytes:
        raise RequestTooLarge(int(declared), max_bytes)
    body = bytearray()
    async with aclosing(request.stream()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > max_bytes:
                raise RequestTooLarge(len(body), max_bytes)
    return bytes(body)


def _query_string(raw: bytes, max_bytes: int) -> dict[str, Any]:
    if len(raw) > max_bytes:
        raise RequestTooLarge(len(raw), max_bytes)
    try:
        pairs = parse_qsl(raw.decode("ascii"), errors="strict", max_num_fields=100)
    except ValueError as error:
        raise MalformedRequest("The query string is not URL-encoded UTF-8.", argument="query") from error
    members = members_once(pairs)
    for name in ("variables", "extensions"):
        if name in members:
            members[name] = _json(members[name], name)
    return members


def _json(text: bytes | str, name: str) -> Any:
    """Parse strict JSON: UTF-8, no NaN, and no member twice, which two readers could take for two requests."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return json.loads(text, object_pairs_hook=members_once, parse_constant=_not_json)
    except RecursionError as error:
        raise MalformedRequest(f"The {name} is nested too deeply.", argument=name) from error
    except ValueError as error:
        raise MalformedRequest(f"The {name} is not JSON in UTF-8.", argument=name) from error


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its members; raises MalformedRequest if one is given twice."""
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            name = ascii(name[:100])[1:-1]
            raise MalformedRequest(f"`{name}` is given twice.", argument=name)
        members[name] = value
    return members


def graphql_request(members: Any) -> GraphQLRequest:
    """Read a GraphQL request from the members of a JSON object; raises MalformedRequest."""
    if isinstance(members, list):
        raise MalformedRequest("Batches are not supported: send one request at a time.", argument="body")
    if not isinstance(members, dict):
        raise MalformedRequest("The body must be a JSON object.", argument="body")
    query = members.get("query")
    if not isinstance(query, str):
        raise MalformedRequest("`query` is required, and must be a string.", argument="query")
    name = members.get("operationName")
    if not isinstance(name, str | None):
        raise MalformedRequest("`operationName` must be a string.", argument="operationName")
    for argument in ("variables", "extensions"):
        if not isinstance(members.get(argument), dict | None):
            raise MalformedRequest(f"`{argument}` must be an object.", argument=argument)
    variables = members.get("variables") or {}
    for argument, value in (("query", query), ("operationName", name), ("variables", variables)):
        for text in _texts(value):
            _require_plain(text, argument)
    return GraphQLRequest(query, name, variables)


def _texts(value: Any) -> Iterator[str]:
    """Find all strings in a JSON value, without recursion."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            pending.extend(value)
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def _require_plain(text: str, argument: str) -> None:
    if "\0" in text:
        raise MalformedRequest(f"`{argument}` contains NUL (U+0000).", argument=argument)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedRequest(f"`{argument}` contains an unpaired surrogate.", argument=argument) from error
