"""Setting up a person's own device, from the page that is opened on it: /auth/device."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from auth.errors import ItcareError
from auth.mfa.devices import Device, DeviceMalformed, Subscription, read_public_key, read_subscription
from auth.mfa.push import begin_push, confirm_push
from auth.mfa.sealing import SecretSeal
from auth.tables import FactorKind
from gateway.http.errors import MalformedRequest
from gateway.http.factors.calling import Caller
from gateway.http.factors.enrolling import confirmed, fresh_factor_required
from gateway.http.factors.reading import object_in, text_in, uuid_in

MOST_NAME: Final = 100
MOST_SIGNATURE: Final = 200
INSTRUCTIONS: Final = (
    "On your phone, scan the QR code below with the camera, or open the address.",
    "On an iPhone or iPad, first add the page to the Home Screen (Share, then Add to Home Screen), and open it there.",
    "Sign in on the phone, give the device a name, and press Set up this device.",
    "When the phone asks whether the page may send notifications, allow it.",
    "From then on, the phone shows what you are asked to approve: read it, and enter the 6 digits of your screen.",
    "If the phone asks for something that you did not begin, press This was not me.",
)


class PushEnroller:
    """Sets up a device.

    `seal` is what its subscription is sealed with, `public_key` what browsers subscribe with, and `refusal` says why an
    endpoint must not be called.
    """

    kind = FactorKind.PUSH
    name = "push"
    begin_members = frozenset({"name"})
    confirm_members = frozenset({"factorId", "subscription", "publicKey", "signature"})

    def __init__(self, seal: SecretSeal, public_key: str, refusal: Callable[[str], str | None]) -> None:
        self._seal = seal
        self._public_key = public_key
        self._refusal = refusal

    async def begin(self, caller: Caller, body: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
        """Give what the device is to sign, and what it subscribes with."""
        name = text_in(body, "name", MOST_NAME).strip()
        if not name or not name.isprintable():
            raise MalformedRequest("`name` must be a name that can be read.", argument="name")
        enrolment = await begin_push(
            caller.fetch, self._seal, caller.id, name, caller.now, is_fresh=caller.is_fresh, record=caller.record
        )
        if enrolment is None:
            return await fresh_factor_required(caller)
        return {
            "factorId": str(enrolment.factor_id),
            "challenge": enrolment.challenge,
            "vapidKey": self._public_key,
            "expiresIn": int((enrolment.expires_at - caller.now).total_seconds()),
        }

    async def confirm(self, caller: Caller, body: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
        """Look at what the device has signed, and keep its subscription and its public key."""
        factor_id, signature = uuid_in(body, "factorId"), text_in(body, "signature", MOST_SIGNATURE)
        outcome, wait = await confirm_push(
            caller.fetch,
            self._seal,
            caller.id,
            factor_id,
            self._device(body),
            signature,
            caller.now,
            is_fresh=caller.is_fresh,
            record=caller.record,
        )
        return await confirmed(caller, outcome, wait)

    def _device(self, body: dict[str, Any]) -> Device:
        subscription = subscription_in(body, self._refusal)
        try:
            return Device(subscription, read_public_key(object_in(body, "publicKey")))
        except DeviceMalformed as error:
            raise MalformedRequest(str(error), argument=error.member) from None


def subscription_in(body: dict[str, Any], refusal: Callable[[str], str | None]) -> Subscription:
    """Read a subscription to a push service that may be called."""
    try:
        subscription = read_subscription(object_in(body, "subscription"))
    except DeviceMalformed as error:
        raise MalformedRequest(str(error), argument=error.member) from None
    if refusal(subscription.endpoint) is not None:
        raise MalformedRequest(
            "The push service of this browser is not one that the gateway may call.", argument="subscription"
        )
    return subscription
