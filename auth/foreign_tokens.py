"""Tokens of foreign issuers, which are trusted at the door only: what is verified here is exchanged for one of ours.

They are read as strictly as our own. Their subject is a text that means something to their issuer alone; of a second
factor they say something only by the claims that the settings name.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from auth.errors import Unauthenticated
from auth.jwt import (
    MOST_TEXT,
    KeySource,
    json_object,
    parts_of,
    require_meant,
    text,
    texts,
    time,
    times_of,
    verified_payload,
)

INVALID_FOREIGN_TOKEN: Final = "The token of the other issuer is not valid here."  # noqa: S105
MOST_ISSUER: Final = 500

Kind = Literal["access_token", "id_token"]
# What Keycloak calls its kinds in the payload; without a word of that, a token may be either.
_KINDS: Final[dict[Kind, str]] = {"access_token": "Bearer", "id_token": "ID"}
# A token that is bound to a key of its holder proves nothing without a proof by that key; one with `events` is a
# notice, such as of a sign-out.
_NOT_FOR_BEARERS: Final = frozenset({"cnf", "events"})

_Text = Annotated[str, Field(min_length=1, max_length=MOST_TEXT)]


class ForeignIssuer(BaseModel):
    """What is accepted of a foreign issuer, and what of that counts as a second factor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    audience: _Text
    """What `aud` must hold."""
    mfa: dict[Literal["acr", "amr"], Annotated[list[_Text], Field(min_length=1)]] | None = Field(None, min_length=1)
    """The values by which `acr` or `amr` say that a second factor has succeeded at `auth_time`; of both, both must."""


@dataclass(frozen=True, slots=True)
class ForeignClaims:
    """What a verified token of a foreign issuer says; times are in UTC.

    `mfa_time` is when a second factor succeeded there, if the settings take the issuer's word for it.
    """

    issuer: str
    subject: str
    issued_at: datetime
    expires_at: datetime
    auth_time: datetime
    mfa_time: datetime | None


@dataclass(frozen=True, slots=True)
class Unverified:
    """Whose keys are to verify a token, by its own word."""

    issuer: str
    kid: str


def said_by(token: str) -> Unverified:
    """Read which issuer's key a token needs; nothing else of it is of use before it is verified.

    Raises:
        Unauthenticated: it is no token; the message is always `INVALID_FOREIGN_TOKEN`.
    """
    try:
        parts = parts_of(token)
        issuer = json_object(parts.payload).get("iss")
        if not isinstance(issuer, str) or not 1 <= len(issuer) <= MOST_ISSUER:
            raise ValueError("iss is not a short text")
        return Unverified(issuer, parts.kid)
    except Exception as error:
        raise Unauthenticated(INVALID_FOREIGN_TOKEN) from error


def verify_foreign(
    token: str, keys: KeySource, issuer: str, settings: ForeignIssuer, now: datetime, kind: Kind | None = None
) -> ForeignClaims:
    """Give the claims of a token of `issuer` that is valid at `now` (aware), and of a kind if one is given.

    Raises:
        Unauthenticated: for anything that is wrong with it; the message is always `INVALID_FOREIGN_TOKEN`.
    """
    try:
        return _read(verified_payload(token, keys), issuer, settings, now, kind)
    except Exception as error:
        raise Unauthenticated(INVALID_FOREIGN_TOKEN) from error


def _read(
    payload: dict[str, object], issuer: str, settings: ForeignIssuer, now: datetime, kind: Kind | None
) -> ForeignClaims:
    require_meant(payload, issuer, settings.audience)
    if _NOT_FOR_BEARERS & payload.keys():
        raise ValueError("a token that is not for whoever bears it")
    # Another kind than these, such as a refresh token, is for its issuer alone.
    if "typ" in payload and payload["typ"] not in ([_KINDS[kind]] if kind else list(_KINDS.values())):
        raise ValueError("another kind of token")
    times = times_of(payload, "auth_time")
    times.require_valid_at(now)
    if "jti" in payload:
        text(payload["jti"], "jti")
    signed_in = time(payload["auth_time"], "auth_time") if "auth_time" in payload else None
    second_factor_at = signed_in if _has_second_factor(payload, settings) else None
    return ForeignClaims(
        issuer=issuer,
        subject=text(payload.get("sub"), "sub"),
        issued_at=times.issued_at,
        expires_at=times.expires_at,
        # By a clock that is ahead of ours, a time may seem to be still to come.
        auth_time=min(signed_in or times.issued_at, now),
        mfa_time=None if second_factor_at is None else min(second_factor_at, now),
    )


def _has_second_factor(payload: dict[str, object], settings: ForeignIssuer) -> bool:
    said = {
        "acr": {text(payload["acr"], "acr")} if "acr" in payload else set(),
        "amr": set(texts(payload.get("amr", []), "amr")),
    }
    return settings.mfa is not None and all(said[claim] & set(values) for claim, values in settings.mfa.items())
