"""All pages, composed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

from starlette.routing import Route

from auth.identity.password_policy import BreachFile
from auth.identity.passwords import Cost, Passwords
from auth.identity.throttling import Throttle, forget_failures
from auth.mfa.factor import FactorMethod
from auth.tables import now
from gateway.auditing import Audit
from gateway.http.errors import Translate
from gateway.http.factors import Calling
from gateway.keys import page_key, peppers
from gateway.mail import Mailer
from gateway.pages.account import AccountPages
from gateway.pages.browser import browser_of
from gateway.pages.device import DevicePages
from gateway.pages.factors import FactorPages, Offer
from gateway.pages.links import LinkPages
from gateway.pages.recovery import RecoveryPages
from gateway.pages.rendering import Renderer, asset_route
from gateway.pages.sign_in import SignInPages
from gateway.pages.site import Site
from gateway.settings import Settings
from resolvers.database import Database
from resolvers.transaction import open_transaction

TIDY_SECONDS: Final = 3600.0
"""How often counts that are done with are dropped."""

_log = logging.getLogger(__name__)


class Part(Protocol):
    """Some of the pages."""

    def routes(self) -> list[Route]:
        """Give their routes."""
        ...


class Pages:
    """The pages under `/auth/`, with the second factors that are offered, and those that people confirm with.

    `client_origins` are where clients get their answers (`Renderer`). `browser` is for whoever else asks who is signed
    in, `site` for who shows a page.

    Raises:
        KeyFileError: a key cannot be used.
        ValueError: the file of breached passwords cannot.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        audit: Audit,
        mailer: Mailer,
        calling: Calling,
        *,
        offers: Sequence[Offer],
        methods: Sequence[FactorMethod],
        translate: Translate,
        client_origins: Sequence[str] = (),
    ) -> None:
        given, key = settings.sign_in, page_key(settings)
        self._database = database
        self.browser = browser_of(settings, database)
        self.site = site = Site(
            database,
            self.browser,
            Renderer(client_origins),
            audit,
            seconds=settings.limits.seconds,
            translate=translate,
        )
        throttle, passwords = Throttle(key), password_keeper(settings)
        self._parts: list[Part] = [
            SignInPages(site, passwords, throttle, contact=given.contact),
            AccountPages(site, passwords, throttle, mailer, settings.public_url),
            DevicePages(site),
            FactorPages(site, calling, offers, methods),
            RecoveryPages(site, calling),
        ]
        self._links = LinkPages(site, passwords, throttle, mailer, settings.public_url)

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [*(route for part in (*self._parts, self._links) for route in part.routes()), asset_route()]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tidy up now and then until the block ends, and do what was asked for by then."""
        tidying = asyncio.create_task(self._tidy(), name="sign-in-tidying")
        try:
            async with self._links.running():
                yield
        finally:
            tidying.cancel()
            with suppress(asyncio.CancelledError):
                await tidying

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            try:
                async with open_transaction(self._database) as transaction:
                    await forget_failures(transaction.fetch, now())
            except Exception as error:  # noqa: BLE001  # whatever it is, the next time does it
                _log.warning("Counts of failed sign-ins cannot be dropped now", exc_info=error)


def password_keeper(settings: Settings) -> Passwords:
    """Give what hashes and verifies passwords as the settings say; raises KeyFileError and ValueError."""
    given = settings.sign_in
    return Passwords(
        peppers(settings),
        Cost(given.hash_memory_kib, given.hash_passes),
        at_once=given.hash_at_once,
        breaches=BreachFile(given.breach_file) if given.breach_file else None,
    )
