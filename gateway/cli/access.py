"""`token`: access tokens for operators and scripts. `invite`: links by which people choose their first password.

`totp`: codes of the demo's second factors.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer
from jose import jwt

from auth.accounts import find_account, organization_of
from auth.audit import PLATFORM, Decision, Entry, Event, Who, append
from auth.identity.links import new_link
from auth.identity.tables import LinkPurpose
from auth.issuer import DEFAULT_LIFETIME, MAX_OPERATOR_LIFETIME, MIN_LIFETIME, Issuer
from auth.mfa.sealing import SecretSeal
from auth.principal import set_scope
from auth.tables import AccountKind
from gateway.addresses import settings_beside
from gateway.cli.options import CommandFailed, DataDir, load_settings
from gateway.demo_folder import is_demo
from gateway.keys import mfa_key, signing_key
from gateway.messages import invitation
from gateway.migrate import require_head
from gateway.postgres import database
from gateway.postgres.connecting import fetching, transaction
from gateway.settings import Settings
from resolvers.demo.factors import DemoFactor, FactorUnreadable, demo_secrets, next_code


def register(app: typer.Typer) -> None:
    """Adds this group's commands."""
    app.command()(token)
    app.command()(invite)
    app.command()(totp)


def token(
    email: Annotated[str, typer.Argument(help="The account's e-mail address.")],
    lifetime: Annotated[
        int,
        typer.Option(
            min=int(MIN_LIFETIME.total_seconds()),
            max=int(MAX_OPERATOR_LIFETIME.total_seconds()),
            help="Seconds for which it is valid.",
        ),
    ] = int(DEFAULT_LIFETIME.total_seconds()),
    mfa_age: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="In the demo only: as if a second factor had succeeded that many seconds ago. Else it carries none.",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Print an access token of an account, for `Authorization: Bearer`.

    Whoever holds the signing key can do this: it says nothing about a sign-in. It is recorded in the audit log.
    """
    settings = settings_beside(load_settings(data_dir=data_dir))
    if mfa_age is not None and not is_demo(settings):
        raise CommandFailed("--mfa-age works with the data folder of a demo only: nobody may claim a second factor.")
    with database(settings) as urls:
        require_head(urls)
        account = asyncio.run(account_id(urls.app, email))
        if account is None:
            raise CommandFailed(f"There is no active account {email}.")
        issued = operator_token(settings, account, timedelta(seconds=lifetime), mfa_age)
        asyncio.run(_record(urls.app, account, email, issued))
    typer.echo(issued)


def invite(
    email: Annotated[str, typer.Argument(help="The e-mail address of a person's account.")],
    data_dir: DataDir = None,
) -> None:
    """Print a link by which a person chooses their password, and then sets up a second factor.

    For the first people of a new database, whom nobody can invite yet. It serves once, within 72 hours, and ends those
    before; whoever has it can sign in as that person. It is recorded in the audit log.
    """
    settings = settings_beside(load_settings(data_dir=data_dir))
    with database(settings) as urls:
        require_head(urls)
        secret = asyncio.run(_invite(urls.app, email))
    typer.echo(invitation(email.lower(), settings.public_url, secret).link)


async def _invite(url: str, email: str) -> str:
    async with transaction(url) as connection:
        fetch, now = fetching(connection), datetime.now(UTC)
        account = await find_account(fetch, email)
        if account is None:
            raise CommandFailed(f"There is no active account {email}.")
        _, kind, held_email, *_ = (await set_scope(fetch, account))[0]
        if kind != AccountKind.PERSON:
            raise CommandFailed(f"{email} is no person's account.")
        secret = await new_link(fetch, account, LinkPurpose.INVITATION, now)
        chain = await organization_of(fetch, account) or PLATFORM
        who = Who(account, held_email)
        await append(fetch, [Entry(chain, Event.INVITATION, Decision.ALLOWED, who, reasons=("CLI_LINK",), at=now)])
    return secret


def totp(
    email: Annotated[str, typer.Argument(help="The demo account's e-mail address.")],
    data_dir: DataDir = None,
) -> None:
    """Print a code that the authenticator app of a demo account shows now, or next if that one was used already.

    In the demo only: elsewhere nobody but the person has their app.
    """
    settings = load_settings(data_dir=data_dir)
    if not is_demo(settings):
        raise CommandFailed("totp works with the data folder of a demo only: nobody may have another's second factor.")
    with database(settings) as urls:
        require_head(urls)
        factor = asyncio.run(_demo_factor(settings, urls.owner, email.lower()))
    if factor is None:
        raise CommandFailed(f"There is no demo account {email} with an authenticator app.")
    code, seconds = next_code(factor, datetime.now(UTC))
    if code is None:
        raise CommandFailed(f"Its codes were used; the next one is accepted in {seconds} s.")
    typer.echo(code)


async def _demo_factor(settings: Settings, url: str, email: str) -> DemoFactor | None:
    async with transaction(url) as connection:
        try:
            return (await demo_secrets(connection, SecretSeal([mfa_key(settings)]))).get(email)
        except FactorUnreadable as error:
            raise CommandFailed(str(error)) from error


async def account_id(url: str, email: str) -> UUID | None:
    """The active account with that address."""
    async with transaction(url) as connection:
        return await find_account(fetching(connection), email)


async def _record(url: str, account: UUID, email: str, issued: str) -> None:
    """Records a token before anybody has it: in the chain of the account's organization, or the platform's."""
    claims = jwt.get_unverified_claims(issued)
    mfa_time = datetime.fromtimestamp(claims["mfa_time"], UTC) if "mfa_time" in claims else None
    who = Who(account, email.lower(), None, UUID(claims["jti"]), mfa_time, tuple(claims.get("amr", ())))
    async with transaction(url) as connection:
        fetch = fetching(connection)
        await set_scope(fetch, account)
        chain = await organization_of(fetch, account) or PLATFORM
        await append(fetch, [Entry(chain, Event.CLI_TOKEN, Decision.ALLOWED, who)])


def operator_token(settings: Settings, account: UUID, lifetime: timedelta, mfa_age: int | None = None) -> str:
    """A token of `account`; with `mfa_age`, as after a one-time password that many seconds ago."""
    issuer = Issuer(signing_key(settings), settings.issuer, settings.audience)
    if mfa_age is None:
        return issuer.issue(account, lifetime=lifetime, for_operator=True)
    mfa_time = datetime.now(UTC) - timedelta(seconds=mfa_age)
    return issuer.issue(account, lifetime=lifetime, for_operator=True, mfa_time=mfa_time, amr=("pwd", "otp", "mfa"))
