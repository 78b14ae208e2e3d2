"""Setting up a passkey: what a page's script passes to the browser, and what that makes of it."""

from collections.abc import Mapping
from typing import Any, Final

from auth.errors import ItcareError
from auth.mfa.sealing import SecretSeal
from auth.mfa.webauthn import MOST_ANSWER, MOST_LABEL, RelyingParty, begin_passkey, confirm_passkey
from auth.tables import FactorKind
from gateway.http.errors import MalformedRequest
from gateway.http.factors.calling import Caller
from gateway.http.factors.enrolling import confirmed, fresh_factor_required
from gateway.http.factors.reading import text_in, uuid_in

INSTRUCTIONS: Final = (
    "Use the device that you will confirm with: this computer, a phone near it, or a security key.",
    "Your browser asks you to make a passkey: choose where it is kept, and unlock that by finger, face or PIN.",
    "Give it a name by which you will know it among others.",
    "Set up a second one on another device, so that you are not locked out when this one is lost.",
)


class PasskeyEnroller:
    """Sets up a passkey for `party`; `seal` is what its key is sealed with."""

    kind = FactorKind.WEBAUTHN
    name = "passkey"
    begin_members = frozenset[str]()
    confirm_members = frozenset({"factorId", "credential", "label"})

    def __init__(self, seal: SecretSeal, party: RelyingParty) -> None:
        self._seal = seal
        self._party = party

    async def begin(self, caller: Caller, _: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
        """Give what the browser is asked to make."""
        enrolment = await begin_passkey(
            caller.fetch,
            self._seal,
            self._party,
            caller.holder,
            caller.now,
            is_fresh=caller.is_fresh,
            record=caller.record,
        )
        if enrolment is None:
            return await fresh_factor_required(caller)
        return {
            "factorId": str(enrolment.factor_id),
            "options": enrolment.options,
            "instructions": list(INSTRUCTIONS),
            "expiresIn": int((enrolment.expires_at - caller.now).total_seconds()),
        }

    async def confirm(self, caller: Caller, body: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
        """Look at what the browser made."""
        outcome, wait = await confirm_passkey(
            caller.fetch,
            self._seal,
            self._party,
            caller.id,
            uuid_in(body, "factorId"),
            text_in(body, "credential", MOST_ANSWER),
            _label_in(body),
            caller.now,
            is_fresh=caller.is_fresh,
            record=caller.record,
        )
        return await confirmed(caller, outcome, wait)


def _label_in(body: dict[str, Any]) -> str:
    """Read the name that a person gives to a passkey, which is shown among others."""
    label = text_in(body, "label", MOST_LABEL).strip()
    if not label or not label.isprintable():
        raise MalformedRequest("`label` must be a name that can be read.", argument="label")
    return label
