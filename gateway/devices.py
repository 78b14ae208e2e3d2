"""The factor of people's own devices, composed: its method, how it is set up, what devices call, who notifies them."""

from datetime import UTC, datetime
from uuid import UUID

from starlette.routing import Route

from auth.mfa.devices import Subscription
from auth.mfa.push import Push, lose_device
from auth.mfa.sealing import NONCES, SecretSeal
from auth.principal import set_scope
from gateway.http.errors import Translate
from gateway.http.factors import PushEnroller, RecordFor
from gateway.http.factors.calling import OnEvent
from gateway.http.factors.device_answers import DeviceAnswers
from gateway.keys import mfa_key, push_key
from gateway.settings import Settings
from gateway.web_push import WebPush
from resolvers.database import Database
from resolvers.egress import Egress
from resolvers.transaction import open_transaction


class Devices:
    """Everything of devices; `seal` is that of factors. To be closed.

    Raises:
        KeyFileError: a key cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        seal: SecretSeal,
        *,
        translate: Translate,
        record_for: RecordFor,
        on_event: OnEvent,
    ) -> None:
        self._database = database
        self._seal = seal
        given, public_url = settings.push, settings.public_url
        self._sender = WebPush(
            Egress(given.hosts, plain_loopback=settings.egress_plain_loopback, setting="ITCARE_PUSH_HOSTS"),
            push_key(settings),
            self._lost,
            contact=given.contact or (public_url if public_url.startswith("https:") else None),
            seconds=given.seconds,
        )
        self.method = Push(seal, self._sender.notify)
        self.enroller = PushEnroller(seal, self._sender.public_key, self._sender.refusal)
        self._answers = DeviceAnswers(
            database,
            seal,
            SecretSeal([mfa_key(settings)], NONCES),
            self._sender.public_key,
            self._sender.refusal,
            seconds=settings.limits.seconds,
            translate=translate,
            record_for=record_for,
            on_event=on_event,
        )

    def routes(self) -> list[Route]:
        """Give the routes of what devices call."""
        return self._answers.routes()

    async def close(self) -> None:
        """End what is being sent."""
        await self._sender.close()

    async def _lost(self, account_id: UUID, factor_id: UUID, subscription: Subscription) -> None:
        async with open_transaction(self._database) as transaction:
            await set_scope(transaction.fetch, account_id)
            await lose_device(transaction.fetch, self._seal, account_id, factor_id, subscription, datetime.now(UTC))
