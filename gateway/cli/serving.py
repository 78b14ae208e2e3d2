"""`serve` and `demo`: the gateway itself."""

import asyncio
import gc
import json
import logging
import os
import shlex
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import FrameType
from typing import Annotated, NoReturn

import typer
import uvicorn
from rich.console import Console
from rich.progress import Progress

from auth.issuer import MAX_OPERATOR_LIFETIME
from auth.mfa.sealing import SecretSeal
from auth.mfa.totp import written
from gateway.addresses import serving_at
from gateway.cli.access import account_id, operator_token
from gateway.cli.options import CommandFailed, DataDir, Host, Port, load_settings
from gateway.demo_folder import demo_resources, mark_demo, unmark_demo
from gateway.keys import mfa_key
from gateway.mail import outbox
from gateway.migrate import require_head, upgrade
from gateway.pages.pages import password_keeper
from gateway.postgres import DatabaseUrls, database
from gateway.postgres.connecting import transaction
from gateway.postgres.roles import require_held_role
from gateway.postgres.server import EmbeddedPostgres
from gateway.settings import Settings, local_url
from gateway.telemetry import configure_logging
from resolvers.demo import (
    ACCOUNTS,
    DEMO_PASSWORD,
    MOST_RESOURCES,
    FactorUnreadable,
    add_factors,
    add_passwords,
    demo_secrets,
    is_empty,
    load_demo,
)

DEMO_RESOURCES = 2000
COLLECT_AFTER = 50_000
"""How many new objects make the garbage collector look for cycles among them; Python's own is 2,000 at most."""
EXAMPLE_ACCOUNT = "pow@demo.example"
EXAMPLE_QUERY = (
    '{ viewer { email } resources(first: 3, filter: {tags: {all: [{key: "team", value: "storefront"}]}})'
    " { totalCount nodes { name status service { name cloud { code } } } } }"
)


def register(app: typer.Typer) -> None:
    """Adds this group's commands."""
    app.command()(serve)
    app.command()(demo)


def serve(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serve the gateway: GraphQL at /graphql, GraphiQL at /graphiql, /healthz and /readyz.

    On the embedded PostgreSQL it executes operations, too; with DATABASE_URL run `itcare-gateway worker` beside it.

    The database is DATABASE_URL, migrated beforehand; without one, an embedded PostgreSQL in the data folder.
    """
    settings = load_settings(host=host, port=port, data_dir=data_dir)
    _begin(settings)
    with listen(settings) as listener, database(settings, create=True, borrow=False) as urls:
        if settings.database_url:
            require_head(urls)
        else:
            upgrade(urls)
        require_held_role(urls.app)
        settings = serving_at(settings, address(listener))
        typer.echo(f"Serving {address(listener)}/graphql", err=True)
        run(settings, urls, listener)


def demo(
    resources: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_RESOURCES, help=f"How many resources to make.  [default: {DEMO_RESOURCES}]"),
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Make the demo anew; what is in it is lost.")] = False,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
) -> None:
    """Serve a believable demo: its own PostgreSQL, data, accounts with tokens, and a query to paste.

    Its accounts are known to everybody: for trying out only.
    """
    settings = load_settings(host=host, port=port, data_dir=data_dir, demo=True)
    if settings.database_url:
        raise CommandFailed("The demo brings its own PostgreSQL; unset DATABASE_URL.")
    _begin(settings)
    with listen(settings) as listener:
        if reset:
            EmbeddedPostgres(settings.data_dir).remove()
            unmark_demo(settings)
        with database(settings, create=True, borrow=False) as urls:
            upgrade(urls)
            _fill(settings, urls, resources)
            settings = serving_at(settings, address(listener))
            _introduce(settings, urls, address(listener), asyncio.run(_secrets(settings, urls)))
            run(settings, urls, listener)


def listen(settings: Settings) -> socket.socket:
    """Takes the address to serve at, before anything is started for it.

    Raises:
        CommandFailed: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error  # create_server adds the address to its own
        raise CommandFailed(f"Cannot listen on {settings.host}, port {settings.port}: {reason}.") from error


def address(listener: socket.socket) -> str:
    """The URL that a listener answers at."""
    host, port = listener.getsockname()[:2]
    return local_url(host, port)


def run(settings: Settings, urls: DatabaseUrls, listener: socket.socket) -> None:
    """Serves until SIGINT or SIGTERM, then lets the requests that are under way finish."""
    from gateway.app import create_app

    app = create_app(settings, urls, with_worker=not settings.database_url)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="websockets-sansio",
        ws_max_size=settings.limits.body_bytes,
        # It takes some 300 KB of a socket, and messages are small.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=int(settings.limits.seconds) + 5,
    )
    config.load()
    server = EndingServer(config, app.state.end_streams)
    _spare_the_garbage_collector()
    try:
        server.run(sockets=[listener])
    except (KeyboardInterrupt, SystemExit):  # uvicorn repeats the signal after it has stopped in order
        return
    if not server.started:
        raise CommandFailed("The gateway did not start; the log says why.")


class EndingServer(uvicorn.Server):
    """A server that, when it stops, ends the answers that would not end by themselves."""

    def __init__(self, config: uvicorn.Config, end: Callable[[], None]) -> None:
        super().__init__(config)
        self._end = end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop in order."""
        self._end()
        await super().shutdown(sockets)


def _spare_the_garbage_collector() -> None:
    """Lets the garbage collector pass over what lives as long as the process, and look at the rest less often.

    An operation leaves no reference cycles behind: what it made ends with it, uncollected. Looking for cycles in the
    rows of a large page while it is put together finds none, and took more than half of the time; nor is there any to
    find in the schema and the modules, again and again. Errors and newly read documents do leave some, so it is not
    switched off.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def _begin(settings: Settings) -> None:
    configure_logging(as_json=settings.log_json)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # what was migrated is one line of ours
    signal.signal(signal.SIGTERM, _terminate)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Ends as an exception, so that what was begun is ended in order."""
    sys.exit(128 + signal.SIGTERM)


def _fill(settings: Settings, urls: DatabaseUrls, resources: int | None) -> None:
    """Loads the demo's data unless it is there."""
    if not asyncio.run(_is_empty(urls)):
        made_with = demo_resources(settings)
        if made_with is None:
            raise CommandFailed(
                f"The database in {settings.data_dir} holds data that is no demo; give another --data-dir."
            )
        if resources not in {None, made_with}:
            typer.echo(f"Keeping the demo that is there, of {made_with:,} resources; --reset makes it anew.", err=True)
        return
    wanted = resources or DEMO_RESOURCES
    mark_demo(settings, wanted)  # first: data without the mark would be taken for somebody's own
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Making the demo", total=wanted)
        made = asyncio.run(
            load_demo(
                urls.owner, resources=wanted, progress=lambda written, _: progress.update(task, completed=written)
            )
        )
    typer.echo(
        f"Made a demo of {wanted:,} resources, {sum(made.rows.values()):,} rows, in {made.seconds:.1f} s.", err=True
    )


async def _is_empty(urls: DatabaseUrls) -> bool:
    async with transaction(urls.owner) as connection:
        return await is_empty(connection)


async def _secrets(settings: Settings, urls: DatabaseUrls) -> Mapping[str, str]:
    """The secrets of the authenticator apps of the demo's people, by address, after adding what is missing."""
    seal, passwords = SecretSeal([mfa_key(settings)]), password_keeper(settings)
    async with transaction(urls.owner) as connection:
        await add_passwords(connection, passwords.hash, datetime.now(UTC))
        await add_factors(connection, seal, datetime.now(UTC))
        try:
            held = await demo_secrets(connection, seal)
        except FactorUnreadable as error:
            raise CommandFailed(str(error)) from error
    return {email: written(factor.secret) for email, factor in held.items()}


def _introduce(settings: Settings, urls: DatabaseUrls, url: str, secrets: Mapping[str, str]) -> None:
    """Prints what one needs to begin: addresses, accounts with tokens, a query."""
    typer.echo(
        f"\nGraphQL   {url}/graphql\nGraphiQL  {url}/graphiql\nSign in   {url}/auth/sign-in\n\n"
        f"The password of all people is: {DEMO_PASSWORD}\n{_where_mail_goes(settings)}\n"
        "Accounts, each with a token for a day,\n"
        "and the secret of its authenticator app (`itcare-gateway totp EMAIL` prints a code):\n"
    )
    example = ""
    for account in ACCOUNTS:
        known = asyncio.run(account_id(urls.app, account.email))
        if known is None:
            continue
        token = operator_token(settings, known, MAX_OPERATOR_LIFETIME)
        secret = f"  TOTP {secrets[account.email]}" if account.email in secrets else ""
        typer.echo(f"{account.email}  {account.description}{secret}\n{token}\n")
        if account.email == EXAMPLE_ACCOUNT:
            example = token
    body = shlex.quote(json.dumps({"query": EXAMPLE_QUERY}))
    typer.echo(
        f"To paste:\n\ncurl -s {url}/graphql \\\n  -H 'Content-Type: application/json' \\\n"
        f"  -H 'Authorization: Bearer {example}' \\\n  -d {body}\n"
    )


def _where_mail_goes(settings: Settings) -> str:
    if settings.mail.host is not None:
        return f"E-mails are sent by {settings.mail.host}.\n"
    return f"E-mails are written into {outbox(settings)}.\n"
