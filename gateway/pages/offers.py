"""The kinds of second factors that people are offered on pages, with what they are told."""

from auth.mfa.sealing import SecretSeal
from auth.mfa.webauthn import RelyingParty
from gateway.http.factors import passkey, totp
from gateway.http.factors.passkey import PasskeyEnroller
from gateway.http.factors.totp import TotpEnroller
from gateway.pages.factors import Offer


def totp_offer(seal: SecretSeal) -> Offer:
    """Offer authenticator apps, whose secrets are sealed with `seal`."""
    return Offer(
        TotpEnroller(seal),
        "Authenticator app",
        "An app on your telephone shows 6 digits, which change every 30 seconds. It needs no network.",
        totp.INSTRUCTIONS,
        confirm_template="totp_confirm.html",
    )


def passkey_offer(seal: SecretSeal, party: RelyingParty) -> Offer:
    """Offer passkeys for `party`, whose keys are sealed with `seal`."""
    return Offer(
        PasskeyEnroller(seal, party),
        "Passkey",
        "Recommended. Your computer, phone or security key confirms, unlocked by finger, face or PIN. No other site can"
        " ask for it.",
        passkey.INSTRUCTIONS,
        confirm_template="passkey_confirm.html",
        answer_template="passkey_answer.html",
    )
