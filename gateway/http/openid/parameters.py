"""The parameters of a request, from a query string or a form: each once, in UTF-8, of a size."""

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from gateway.http.openid.errors import invalid_request
from gateway.http.requests import read_body

MOST_BYTES: Final = 12 * 1024
"""Of a form, which may have a token of 8 KiB in it, and of a query string."""
FORM: Final = "application/x-www-form-urlencoded"
_MOST_PARAMETERS: Final = 50


class Parameters(dict[str, str]):
    """Parameters by their names; one without a value is as good as none (RFC 6749, section 3.1)."""

    def required(self, name: str) -> str:
        """Give one; raises OAuthError if it is not there."""
        if name not in self:
            raise invalid_request(f"{name} is missing.")
        return self[name]


async def read_form(request: Request) -> Parameters:
    """Read the form of a POST; raises OAuthError or HttpError."""
    media_types = request.headers.getlist("content-type")
    if len(media_types) != 1 or media_types[0].partition(";")[0].strip().lower() != FORM:
        raise invalid_request(f"Send the parameters as {FORM}, and say so in Content-Type.")
    if any(coding.strip().lower() != "identity" for coding in request.headers.getlist("content-encoding")):
        raise invalid_request("Send the parameters without Content-Encoding.")
    return _parameters(await read_body(request, MOST_BYTES), "body")


def query_of(request: Request) -> Parameters:
    """Read the query string; raises OAuthError."""
    query: bytes = request.scope["query_string"]
    if len(query) > MOST_BYTES:
        raise invalid_request(f"The query string has more than {MOST_BYTES} bytes.")
    return _parameters(query, "query string")


def _parameters(raw: bytes, where: str) -> Parameters:
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise invalid_request(f"The {where} is not URL-encoded UTF-8, or has too many parameters.") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise invalid_request("A parameter is given twice.")
    if any("\0" in text for pair in pairs for text in pair):
        raise invalid_request("A parameter contains NUL.")
    return Parameters({name: value for name, value in pairs if value})
