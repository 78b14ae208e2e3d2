"""`operations`: what waits for an operator, tried again or ended."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from auth.audit.reading import find_organization
from auth.errors import BadUserInput
from gateway.cli.options import CommandFailed, DataDir, load_settings
from gateway.migrate import require_head
from gateway.postgres import DatabaseUrls, database
from gateway.postgres.connecting import fetching, snapshot
from gateway.settings import Settings
from resolvers.database import Database
from resolvers.operations.tending import (
    Listed,
    Tended,
    Which,
    cancel_operation,
    find_operations,
    list_operations,
    retry_operation,
)
from resolvers.tables import OperationStatus
from schema.ids import global_id, parse_id

MOST_REASON = 500
JOBS = {None: "not queued", "queued": "queued", "picked": "being executed", "failed": "held"}

operations = typer.Typer(
    help="Operations: which ones wait for an operator; try them again, or end them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Operations, as `opn_…` or UUIDs.")]


def register(app: typer.Typer) -> None:
    """Adds this group's commands."""
    operations.command("list")(list_)
    operations.command()(retry)
    operations.command()(cancel)
    app.add_typer(operations, name="operations")


def list_(
    open_: Annotated[bool, typer.Option("--open", help="All that are in progress, held or not.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    organization: Annotated[str | None, typer.Option(metavar="CODE", help="Those of this organization alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at the most, the newest first.")] = 100,
    data_dir: DataDir = None,
) -> None:
    """List the operations that are held: their driver could not be reached, or there was an error of the gateway."""
    which = Which.ALL if all_ else Which.OPEN if open_ else Which.HELD
    settings = load_settings(data_dir=data_dir)
    with database(settings) as urls:
        require_head(urls)
        found = asyncio.run(_list(urls, which, organization, limit + 1))
    for each in found[:limit]:
        typer.echo(_line(each))
        if each.message:
            typer.echo(f"    {_plain(each.message)}")
    if len(found) > limit:
        typer.echo(f"There are more; --limit shows more than {limit:,}.", err=True)
    if not found:
        kind = {Which.HELD: "is held", Which.OPEN: "is in progress", Which.ALL: "is there"}[which]
        typer.echo(f"No operation {kind}.", err=True)


def retry(ids: Ids, data_dir: DataDir = None) -> None:
    """Queue operations again that are held; recorded in the audit log."""
    sentences = {Tended.DONE: "is queued again", Tended.QUEUED_ALREADY: "is queued already"}
    _tend(ids, data_dir, retry_operation, sentences, may_be=())


def cancel(
    ids: Ids,
    reason: Annotated[str, typer.Option(help="Why, for who asked for it; it is shown with the operation.")],
    data_dir: DataDir = None,
) -> None:
    """End operations that are in progress, as if they had failed; recorded in the audit log.

    A step that is being executed elsewhere is not stopped there; how it ends has no effect.
    """
    reason = reason.strip()
    if not reason or len(reason) > MOST_REASON or not reason.isprintable():
        raise CommandFailed(f"Give a reason of 1 to {MOST_REASON} printable characters, in one line.")
    sentences = {Tended.DONE: "is cancelled", Tended.ENDED: "is cancelled already"}
    _tend(
        ids, data_dir, lambda database, id_: cancel_operation(database, id_, reason), sentences, may_be=("CANCELLED",)
    )


Tend = Callable[[Database, UUID], Awaitable[Tended]]


def _tend(ids: list[str], data_dir: object, tend: Tend, sentences: dict[Tended, str], may_be: Iterable[str]) -> None:
    """Does something with each operation, after checking that all are there, and in progress or ended like that."""
    keys = list(dict.fromkeys(_key(each) for each in ids))
    settings = load_settings(data_dir=data_dir)
    with database(settings) as urls:
        require_head(urls)
        asyncio.run(_check(urls, keys, {OperationStatus.IN_PROGRESS.value, *may_be}))
        asyncio.run(_tend_each(settings, urls, keys, tend, sentences))


async def _list(urls: DatabaseUrls, which: Which, organization: str | None, most: int) -> list[Listed]:
    async with snapshot(urls.owner) as connection:
        fetch = fetching(connection)
        organization_id = None if organization is None else await find_organization(fetch, organization)
        if organization is not None and organization_id is None:
            raise CommandFailed(f"There is no organization {organization}.")
        return await list_operations(fetch, which, organization_id, most)


async def _check(urls: DatabaseUrls, ids: list[UUID], statuses: set[str]) -> None:
    async with snapshot(urls.owner) as connection:
        found = await find_operations(fetching(connection), ids)
    missing = [_id(each) for each in ids if each not in found]
    if missing:
        raise CommandFailed(f"There is no operation {', '.join(missing)}; nothing was done.")
    ended = [f"{_id(each)} has ended: {found[each].status}" for each in ids if found[each].status not in statuses]
    if ended:
        raise CommandFailed(f"{', '.join(ended)}; nothing was done.")


async def _tend_each(
    settings: Settings, urls: DatabaseUrls, ids: list[UUID], tend: Tend, sentences: dict[Tended, str]
) -> None:
    pool = Database(urls.app, pool_size=1, statement_seconds=settings.limits.seconds)
    try:
        for each in ids:
            outcome = await tend(pool, each)
            if outcome is Tended.UNKNOWN_ACTION:
                raise CommandFailed(f"{_id(each)} is of an action that this version cannot undo.")
            typer.echo(f"{_id(each)} {sentences.get(outcome, 'has ended')}.")
    finally:
        await pool.close()


def _key(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        pass
    try:
        kind, key = parse_id(value, argument="id")
    except BadUserInput:
        kind = ""
    if kind != "Operation":
        raise CommandFailed(f"{_plain(value[:100])} is no id of an operation: give it as `opn_…`, or as a UUID.")
    return key


def _id(key: UUID) -> str:
    return global_id("Operation", key)


def _line(each: Listed) -> str:
    words = [
        _id(each.id),
        each.action,
        _plain(each.resource_name or "-"),
        each.organization,
        f"by {_plain(each.submitted_by)}",
        f"at {_time(each.submitted_at)}",
    ]
    if each.status != OperationStatus.IN_PROGRESS:
        return "  ".join([*words, each.status])
    words.append(f"{each.progress} %")
    if each.is_held and each.job_updated_at is not None:
        tries = (each.attempts or 0) + 1
        words.append(f"held since {_time(each.job_updated_at)}, after {tries} attempt{'' if tries == 1 else 's'}")
    else:
        words.append(JOBS.get(each.job, str(each.job)))
    return "  ".join(words)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _plain(text: str) -> str:
    """What others wrote, as one line that a terminal shows as it is."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
