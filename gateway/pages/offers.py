"""The kinds of second factors that people are offered on pages, with what they are told."""

from auth.mfa.sealing import SecretSeal
from gateway.http.factors.totp import INSTRUCTIONS, TotpEnroller
from gateway.pages.factors import Offer


def totp_offer(seal: SecretSeal) -> Offer:
    """Offer authenticator apps, whose secrets are sealed with `seal`."""
    return Offer(
        TotpEnroller(seal),
        "Authenticator app",
        "An app on your telephone shows 6 digits, which change every 30 seconds. It needs no network.",
        INSTRUCTIONS,
        confirm_template="totp_confirm.html",
    )
