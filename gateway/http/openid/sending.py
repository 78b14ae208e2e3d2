"""Where a person goes on: back to a client, or no further than a page that says why."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.http.openid.answering import HEADERS
from gateway.http.openid.errors import OAuthError, invalid_request
from gateway.pages.site import Site, Visit

MOST_PATH: Final = 5000
"""Characters of a path of ours that a page of ours leads back to."""


def send_back(uri: str, answer: Mapping[str, str]) -> Response:
    """Send to a client's URL, with 303: whatever was sent here is not sent on."""
    parts = urlsplit(uri)
    query = "&".join(each for each in (parts.query, urlencode(answer)) if each)
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 303, HEADERS)


def path_back(path: str, parameters: Mapping[str, str]) -> str:
    """Give the path that asks something again, after a page of ours; raises OAuthError."""
    back = f"{path}?{urlencode(parameters)}"
    if len(back) > MOST_PATH:
        raise invalid_request("The parameters are too long.")
    return back


def error_page(site: Site, request: Request, refusal: OAuthError) -> Response:
    """Show a refusal to a person."""
    return Visit(site, request).page(
        "error.html", refusal.status, code=refusal.error.upper(), message=refusal.description, correlation_id=None
    )
