"""What people are told by e-mail. `address` is where browsers reach the gateway, `at` when it happened."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from auth.identity.links import LASTS
from auth.identity.tables import LinkPurpose
from auth.mfa.enrolment import SERVES_AFTER
from auth.tables import FactorKind
from gateway.mail import Message, MessageKind

INVITATION_PAGE: Final = "/auth/invitation"
RESET_PAGE: Final = "/auth/reset-password"
LINK: Final = "link"
"""The parameter that carries the secret of a link. The log of requests has no parameters."""
FACTOR_NAMES: Final = {
    FactorKind.TOTP: "an authenticator app",
    FactorKind.PHONE: "a telephone",
    FactorKind.PUSH: "a smartphone that is notified",
    FactorKind.WEBAUTHN: "a passkey",
    None: "a second factor",
}
_NOT_YOU: Final = (
    "If you did not do this, somebody may have your password: choose a new one at {address}/auth/forgot-password, and"
    " tell the security representative of your organization."
)


def invitation(to: str, address: str, secret: str) -> Message:
    """Invite somebody who has an account to choose their first password."""
    hours = int(LASTS[LinkPurpose.INVITATION].total_seconds()) // 3600
    return Message(
        MessageKind.INVITATION,
        to,
        "Your ITCare account",
        (
            "An ITCare account was made for you. Choose your password with this link:",
            f"The link serves once, within {hours} hours.",
            "After that you are led to set up a second factor, for privileged actions: have your telephone at hand.",
            "If you expected no account, ignore this e-mail: without the link nothing happens.",
        ),
        _link(address, INVITATION_PAGE, secret),
    )


def invitation_again(to: str, address: str, secret: str) -> Message:
    """Invite somebody who had an account before to begin anew."""
    hours = int(LASTS[LinkPurpose.INVITATION].total_seconds()) // 3600
    return Message(
        MessageKind.INVITATION,
        to,
        "Your ITCare account: sign in anew",
        (
            "Your password and your second factors were ended for you. Choose a new password with this link:",
            f"The link serves once, within {hours} hours.",
            "After that you are led to set up a second factor, for privileged actions: have your telephone at hand.",
            "If you did not ask for this, tell the security representative of your organization.",
        ),
        _link(address, INVITATION_PAGE, secret),
    )


def place_given(to: str, address: str, organization: str) -> Message:
    """Tell somebody who has an account that they have a place in one more organization."""
    return Message(
        MessageKind.PLACE_GIVEN,
        to,
        "Your ITCare account has a place in one more organization",
        (
            f"You were given a place in the organization {organization}. Sign in as you are used to:",
            "If you expected nothing of the kind, ignore this e-mail.",
        ),
        f"{address}/auth/sign-in",
    )


def identity_linked(to: str, address: str, issuer: str, at: datetime) -> Message:
    """Tell somebody that they can come in by tokens of a foreign issuer."""
    return Message(
        MessageKind.IDENTITY_LINKED,
        to,
        "Your ITCare account was linked to an identity elsewhere",
        (
            f"Since {_time(at)}, you can sign in to your ITCare account by {issuer}.",
            _NOT_YOU.format(address=address),
        ),
    )


def factor_approved(to: str, address: str, kind: FactorKind | None, at: datetime) -> Message:
    """Tell somebody that a factor which was kept waiting serves from now on."""
    what = f"At {_time(at)}, a security representative let {FACTOR_NAMES[kind]} of yours serve at once."
    return _changed(to, address, "A second factor of your ITCare account was approved", what)


def password_reset(to: str, address: str, secret: str) -> Message:
    """Send the link by which a new password is chosen."""
    minutes = int(LASTS[LinkPurpose.PASSWORD_RESET].total_seconds()) // 60
    return Message(
        MessageKind.PASSWORD_RESET,
        to,
        "Choose a new ITCare password",
        (
            "Somebody, probably you, asked for a new password of your ITCare account. Choose it with this link:",
            f"The link serves once, within {minutes} minutes. You are then signed out everywhere.",
            "If that was not you, ignore this e-mail: your password stays as it is.",
        ),
        _link(address, RESET_PAGE, secret),
    )


def password_changed(to: str, address: str, at: datetime) -> Message:
    """Tell somebody that their password was changed."""
    return Message(
        MessageKind.PASSWORD_CHANGED,
        to,
        "Your ITCare password was changed",
        (
            f"The password of your ITCare account was changed at {_time(at)}. You were signed out everywhere else.",
            _NOT_YOU.format(address=address),
        ),
    )


def factor_added(to: str, address: str, kind: FactorKind | None, at: datetime) -> Message:
    """Tell somebody that a second factor of theirs was set up."""
    return Message(
        MessageKind.FACTOR_ADDED,
        to,
        "A second factor of your ITCare account was set up",
        (
            f"At {_time(at)}, {FACTOR_NAMES[kind]} was set up as a second factor of your ITCare account.",
            _NOT_YOU.format(address=address),
        ),
    )


def not_me(to: str, address: str, kind: FactorKind | None, at: datetime) -> Message:
    """Tell somebody that who holds a factor of theirs answered that it was not them."""
    return Message(
        MessageKind.NOT_ME,
        to,
        "An approval for your ITCare account was refused",
        (
            f"At {_time(at)}, {FACTOR_NAMES[kind]} of yours was asked to approve something.",
            "It was answered that this was not you. For a while it is not asked again.",
            _NOT_YOU.format(address=address),
        ),
    )


def factor_recovered(to: str, address: str, kind: FactorKind | None, at: datetime) -> Message:
    """Tell somebody that a factor was set up with a recovery code of theirs; whoever did that is kept waiting."""
    hours = int(SERVES_AFTER.total_seconds()) // 3600
    return _changed(
        to,
        address,
        "A second factor was set up with a recovery code",
        f"At {_time(at)}, {FACTOR_NAMES[kind]} was set up for your ITCare account with a recovery code.",
        f"It serves after {hours} hours, or when a security representative of your organization has approved it.",
    )


def factor_removed(to: str, address: str, kind: FactorKind | None, at: datetime) -> Message:
    """Tell somebody that a second factor of theirs was removed."""
    what = f"At {_time(at)}, {FACTOR_NAMES[kind]} was removed from the second factors of your ITCare account."
    return _changed(to, address, "A second factor of your ITCare account was removed", what)


def recovery_code_used(to: str, address: str, kind: FactorKind | None, at: datetime) -> Message:
    """Tell somebody that a recovery code of theirs was used, before it comes to anything."""
    what = f"At {_time(at)}, a recovery code of your ITCare account was used, to set up a second factor."
    return _changed(to, address, "A recovery code of your ITCare account was used", what)


def recovery_codes_renewed(to: str, address: str, kind: FactorKind | None, at: datetime) -> Message:
    """Tell somebody that they have new recovery codes."""
    what = f"At {_time(at)}, new recovery codes were made for your ITCare account. Those before serve no more."
    return _changed(to, address, "Your ITCare account has new recovery codes", what)


def possible_clone(to: str, address: str, kind: FactorKind | None, at: datetime) -> Message:
    """Tell somebody that a passkey of theirs seems to have been copied."""
    return _changed(
        to,
        address,
        "A passkey of your ITCare account may have been copied",
        f"At {_time(at)}, an answer by a passkey of yours was refused: the passkey had counted further before.",
        "There may be a copy of it. Remove it from your second factors, and set up another.",
    )


def _changed(to: str, address: str, subject: str, *paragraphs: str) -> Message:
    return Message(MessageKind.FACTOR_CHANGED, to, subject, (*paragraphs, _NOT_YOU.format(address=address)))


def _link(address: str, page: str, secret: str) -> str:
    return f"{address}{page}?{urlencode({LINK: secret})}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
