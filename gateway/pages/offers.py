"""The kinds of second factors that people are offered on pages, with what they are told."""

from dataclasses import dataclass

import segno

from auth.mfa.sealing import SecretSeal
from auth.mfa.webauthn import RelyingParty
from gateway.http.factors import passkey, phone, push, totp
from gateway.http.factors.passkey import PasskeyEnroller
from gateway.http.factors.phone import PhoneEnroller
from gateway.http.factors.push import PushEnroller
from gateway.http.factors.totp import TotpEnroller
from gateway.pages.device import PAGE
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


def phone_offer(enroller: PhoneEnroller) -> Offer:
    """Offer phone calls."""
    return Offer(
        enroller,
        "Phone call",
        "You are called, hear what is being approved, and press the 6 digits that the screen shows.",
        phone.INSTRUCTIONS,
        begin_template="phone_begin.html",
        confirm_template="phone_confirm.html",
    )


@dataclass(frozen=True, slots=True)
class DeviceOffer(Offer):
    """What is set up on another device: the address of its page, also as a QR code (`data:`)."""

    address: str = ""
    qr_code: str = ""


def device_offer(enroller: PushEnroller, public_url: str) -> DeviceOffer:
    """Offer people's own devices, which are set up on the device itself: at `public_url`."""
    address = f"{public_url}{PAGE}"
    return DeviceOffer(
        enroller,
        "Notification on your phone",
        "Your phone shows what you are asked to approve, and takes 6 digits from the screen. It needs no app: its"
        " browser keeps the key.",
        push.INSTRUCTIONS,
        begin_template="device_begin.html",
        confirm_template="device_begin.html",
        address=address,
        qr_code=segno.make(address, error="m", micro=False).svg_data_uri(scale=4),
    )
