"""The application, composed: the one place that knows every part."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route, WebSocketRoute

from auth.identity.public_clients import PublicClients
from auth.identity.throttling import Throttle
from auth.issuer import Issuer
from auth.tokens import JwtVerifier
from gateway.auditing import Audit
from gateway.context import context_opener
from gateway.execution import EXECUTORS, Engine
from gateway.foreign_keys import ForeignKeys
from gateway.graphiql import graphiql_routes
from gateway.http import (
    Callback,
    ErrorFormatter,
    EventStreams,
    GraphQLEndpoint,
    GraphQLSocket,
    Subscriptions,
    health_routes,
    http_middleware,
    key_routes,
)
from gateway.http.openid import OpenId, public_clients
from gateway.keys import KeyRing, cursor_key, message_keys, operation_seal, page_key
from gateway.letters import post_of
from gateway.mail import mailer_of
from gateway.notices import notices_of
from gateway.pages import Pages
from gateway.postgres import DatabaseUrls
from gateway.second_factors import second_factors
from gateway.settings import Settings
from gateway.telemetry import Observer
from gateway.telemetry.metrics import Metrics
from gateway.working import working
from resolvers.database import Database, unavailable
from resolvers.events import ResumeSeal, Tail, heads_of
from resolvers.reads.cursors import CursorSeal
from resolvers.reads.pages import PageArguments, extent
from schema.build import build_schema
from schema.guard import Guard
from schema.subscription import Streams


def create_app(settings: Settings, urls: DatabaseUrls, *, with_worker: bool = False) -> Starlette:
    """Compose the gateway over the database at `urls`, with a worker of operations in it if that is asked for.

    Raises:
        KeyFileError: a key cannot be used.
    """
    limits = settings.limits
    database = Database(urls.app, pool_size=settings.pool_size, statement_seconds=limits.seconds)
    keys = KeyRing(settings)
    audit = Audit(database, keys.signing)
    observer = Metrics() if settings.metrics else Observer()
    tokens = JwtVerifier(keys, settings.issuer, settings.audience)

    def issuer() -> Issuer:
        return Issuer(keys.signing(), settings.issuer, settings.audience)

    mailer = mailer_of(settings)
    factors = second_factors(
        settings, database, tokens, issuer, audit, on_event=notices_of(mailer, settings.public_url)
    )
    clients = public_clients(settings.public_url, settings.openid.clients)
    pages = Pages(
        settings,
        database,
        audit,
        mailer,
        factors.calling,
        offers=factors.offers,
        methods=factors.methods,
        translate=unavailable,
        client_origins=PublicClients(settings.openid.clients).origins,
    )
    foreign_keys = ForeignKeys(settings.openid.foreign_issuers, settings.egress)
    openid = OpenId(
        database,
        clients,
        issuer,
        tokens,
        pages.site,
        Throttle(page_key(settings)),
        name=settings.issuer,
        public_url=settings.public_url,
        seconds=limits.seconds,
        translate=unavailable,
        denied=audit.denied,
        foreign=settings.openid.foreign_issuers,
        foreign_keys=foreign_keys,
        audience=settings.audience,
    )
    schema = build_schema()
    engine = Engine(
        schema,
        limits,
        page_size,
        executor_class=EXECUTORS[settings.executor],
        on_fallback=observer.fell_back,
    )
    open_context = context_opener(
        database,
        CursorSeal(cursor_key(settings)),
        operation_seal(settings),
        denied=audit.denied,
        post=post_of(mailer, settings.public_url),
    )
    endpoint = GraphQLEndpoint(
        engine,
        tokens,
        open_context,
        limits,
        ErrorFormatter(unavailable),
        Guard(schema),
        show_trace=settings.demo or settings.debug,
        on_operation=observer.operation_ended,
        on_refused_mutation=audit.refused_mutation,
    )

    tail = Tail(heads_of(database), settings.live.poll_seconds)
    subscriptions = Subscriptions(
        engine,
        open_context,
        limits,
        settings.live,
        ErrorFormatter(unavailable),
        Streams(schema),
        tail,
        ResumeSeal(cursor_key(settings)),
        at_once=max(1, settings.pool_size // 2),
        on_operation=observer.operation_ended,
    )
    streams = EventStreams(endpoint, subscriptions, tokens, max_bytes=limits.body_bytes)
    socket = GraphQLSocket(subscriptions, tokens, origins=settings.cors_origins, max_bytes=limits.body_bytes)

    async def home(_: Request) -> RedirectResponse:
        return RedirectResponse("/graphiql")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            async with audit.running(), mailer.running(), pages.running(), AsyncExitStack() as stack:
                if with_worker:
                    await stack.enter_async_context(working(settings, urls))
                yield
        finally:
            await tail.close()
            await factors.close()
            await foreign_keys.close()
            await database.close()

    app = Starlette(
        routes=[
            Route("/", home),
            Route("/graphql", streams),
            WebSocketRoute("/graphql", socket.serve),
            *factors.routes,
            *pages.routes(),
            *openid.routes(),
            *graphiql_routes(),
            *key_routes(keys.published),
            *health_routes(database.is_ready),
            *_callback_routes(settings, database),
            *observer.routes(),
        ],
        middleware=http_middleware(settings.cors_origins, observer.request_ended, settings.sign_in.trusted_proxies),
        lifespan=lifespan,
    )
    # For whoever stops the server: it waits for answers to end, and these end only when told to.
    app.state.end_streams = streams.end
    return app


def _callback_routes(settings: Settings, database: Database) -> list[Route]:
    """Give the route that an orchestrator reports to, if there is one to report."""
    if settings.worker.driver != "webhook":
        return []
    keys, seal = message_keys(settings), operation_seal(settings)
    return Callback(database, keys.keys, seal, seconds=settings.limits.seconds, translate=unavailable).routes()


def page_size(arguments: Mapping[str, Any], flat_page: int | None) -> int:
    """Say how large the page of a connection is, for the limits; raises BadUserInput."""
    return extent(PageArguments(**arguments), flat_page)[0]
