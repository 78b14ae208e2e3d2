"""Who is calling, by the token of a request."""

from datetime import UTC, datetime

from starlette.datastructures import Headers

from auth.tokens import Claims, TokenVerifier, bearer_token


def claims_of(headers: Headers, tokens: TokenVerifier) -> Claims | None:
    """Give the claims of the token in `Authorization`; None without one. Raises Unauthenticated."""
    lines = headers.getlist("authorization")
    token = bearer_token(", ".join(lines) if lines else None)
    return None if token is None else tokens.verify(token, datetime.now(UTC))
