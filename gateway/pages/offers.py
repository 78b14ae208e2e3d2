"""The kinds of second factors that people are offered on pages, with what they are told."""

from gateway.http.factors import TotpEnroller
from gateway.http.factors.phone import INSTRUCTIONS as PHONE_STEPS
from gateway.http.factors.phone import PhoneEnroller
from gateway.http.factors.totp import INSTRUCTIONS as TOTP_STEPS
from gateway.pages.factors import Offer


def totp_offer(enroller: TotpEnroller) -> Offer:
    """Offer authenticator apps."""
    return Offer(
        enroller,
        "Authenticator app",
        "An app on your telephone shows 6 digits, which change every 30 seconds. It needs no network.",
        TOTP_STEPS,
        confirm_template="totp_confirm.html",
    )


def phone_offer(enroller: PhoneEnroller) -> Offer:
    """Offer phone calls."""
    return Offer(
        enroller,
        "Phone call",
        "You are called, hear what is being approved, and press the 6 digits that the screen shows.",
        PHONE_STEPS,
        begin_template="phone_begin.html",
        confirm_template="phone_confirm.html",
    )
