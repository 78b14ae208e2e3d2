"""Setting up an authenticator app."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import segno

from auth.errors import ItcareError
from auth.mfa.sealing import SecretSeal
from auth.mfa.totp import begin_totp, confirm_totp, provisioning_uri, written
from auth.tables import FactorKind
from gateway.http.factors.calling import Caller
from gateway.http.factors.enrolling import confirmed, fresh_factor_required
from gateway.http.factors.reading import text_in, uuid_in

APP_NAME: Final = "ITCare"
"""What authenticator apps show beside the account."""
INSTRUCTIONS: Final = (
    "Install an authenticator app on your phone, such as FreeOTP, Aegis or Google Authenticator, if you have none.",
    "In the app, add an account and scan the QR code; or choose to enter a key, and type the secret.",
    "Check that the app shows the account under the name ITCare with your e-mail address.",
    "Enter the 6 digits that the app shows, and confirm.",
    "From then on the app's code is asked for at privileged actions.",
    "Whoever reads the secret can make these codes: keep no copy of it.",
)


class TotpEnroller:
    """Sets up an authenticator app; `seal` is what its secret is sealed with."""

    kind = FactorKind.TOTP
    name = "totp"
    begin_members = frozenset[str]()
    confirm_members = frozenset({"factorId", "code"})

    def __init__(self, seal: SecretSeal) -> None:
        self._seal = seal

    async def begin(self, caller: Caller, _: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
        """Show the secret, this once."""
        enrolment = await begin_totp(
            caller.fetch, self._seal, caller.id, caller.now, is_fresh=caller.is_fresh, record=caller.record
        )
        if enrolment is None:
            return await fresh_factor_required(caller)
        uri = provisioning_uri(enrolment.secret, caller.holder.email, APP_NAME)
        return {
            "factorId": str(enrolment.factor_id),
            "secret": written(enrolment.secret),
            "uri": uri,
            "qrCode": await asyncio.to_thread(_qr_code, uri),  # takes some 20 ms
            "instructions": list(INSTRUCTIONS),
            "expiresIn": int((enrolment.expires_at - caller.now).total_seconds()),
        }

    async def confirm(self, caller: Caller, body: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
        """Look at a code of the app."""
        factor_id, code = uuid_in(body, "factorId"), text_in(body, "code")
        outcome, wait = await confirm_totp(
            caller.fetch,
            self._seal,
            caller.id,
            factor_id,
            code,
            caller.now,
            is_fresh=caller.is_fresh,
            record=caller.record,
        )
        return await confirmed(caller, outcome, wait)


def _qr_code(uri: str) -> str:
    return segno.make(uri, error="m", micro=False).svg_data_uri(scale=4)
