"""What is refused, as RFC 6749 has it: a code that clients read, and a sentence for who wrote them."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

INVALID_REQUEST: Final = "invalid_request"
INVALID_CLIENT: Final = "invalid_client"
INVALID_GRANT: Final = "invalid_grant"
INVALID_SCOPE: Final = "invalid_scope"
INVALID_TARGET: Final = "invalid_target"
UNAUTHORIZED_CLIENT: Final = "unauthorized_client"
UNSUPPORTED_GRANT_TYPE: Final = "unsupported_grant_type"
UNSUPPORTED_RESPONSE_TYPE: Final = "unsupported_response_type"
UNSUPPORTED_TOKEN_TYPE: Final = "unsupported_token_type"  # noqa: S105
LOGIN_REQUIRED: Final = "login_required"
REQUEST_NOT_SUPPORTED: Final = "request_not_supported"
REQUEST_URI_NOT_SUPPORTED: Final = "request_uri_not_supported"
TEMPORARILY_UNAVAILABLE: Final = "temporarily_unavailable"
SERVER_ERROR: Final = "server_error"


class OAuthError(Exception):
    """A refusal; `error` is the code, the description is a sentence in ASCII without quotation marks."""

    def __init__(
        self,
        error: str,
        description: str,
        *,
        status: int = 400,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status
        self.headers = headers

    @property
    def body(self) -> dict[str, str]:
        """What a client reads."""
        return {"error": self.error, "error_description": self.description}


def invalid_request(description: str, *, status: int = 400) -> OAuthError:
    """Refuse what is not of the form that it must have."""
    return OAuthError(INVALID_REQUEST, description, status=status)


def invalid_grant() -> OAuthError:
    """Refuse a code or a token, always in the same words."""
    return OAuthError(INVALID_GRANT, "The code or token is not valid, or not for this client, or was used before.")


def invalid_client(*, challenge: bool) -> OAuthError:
    """Refuse a client, always in the same words; with a challenge if it came with HTTP authentication."""
    headers = {"WWW-Authenticate": 'Basic realm="ITCare", charset="UTF-8"'} if challenge else {}
    description = "There is no such client, or it did not show that it is it."
    return OAuthError(INVALID_CLIENT, description, status=401, headers=headers)


def too_many(wait: timedelta) -> OAuthError:
    """Refuse to look at what a client shows, after it has failed too often."""
    seconds = max(1, int(wait.total_seconds()))
    return OAuthError(
        TEMPORARILY_UNAVAILABLE,
        f"The client has failed too often: wait {seconds} s.",
        status=429,
        headers={"Retry-After": str(seconds)},
    )
