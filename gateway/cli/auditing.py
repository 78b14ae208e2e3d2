"""`audit`: the audit log, exported, verified and signed."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated
from uuid import UUID

import typer
from rich.console import Console

from auth.audit import PLATFORM, Decision, Entry, Event, append
from auth.audit.checkpoints import add_checkpoints
from auth.audit.files import BadLine, Progress, checkpoints_of, export, read_line
from auth.audit.reading import find_organization, read_chains
from auth.audit.verifying import Anchors, Finding, Keys, verify_database, verify_file
from gateway.auditing import public_keys
from gateway.cli.options import CommandFailed, DataDir, load_settings
from gateway.keys import signing_key
from gateway.migrate import require_head
from gateway.postgres import DatabaseUrls, database
from gateway.postgres.connecting import fetching, snapshot, transaction
from gateway.settings import Settings

SHOW_EVERY = 1000
"""After how many records the progress is shown anew."""
STANDARD_INPUT = Path("-")

audit = typer.Typer(help="The audit log: who did what, or was denied it.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Adds this group's commands."""
    audit.command("export")(export_chains)
    audit.command()(verify)
    audit.command()(checkpoint)
    app.add_typer(audit, name="audit")


def export_chains(
    organization: Annotated[
        str | None, typer.Option(metavar="CODE", help="The chain of this organization alone.")
    ] = None,
    platform: Annotated[bool, typer.Option("--platform", help="The platform's chain alone.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="All chains.  [default]")] = False,
    output: Annotated[
        Path | None, typer.Option(help="The file to write; one of that name is replaced.  [default: standard output]")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Write chains as NDJSON, signed up to their ends; recorded in the platform's chain.

    The same chains give the same bytes. The gateway goes on serving.
    """
    if (organization is not None) + platform + all_ > 1:
        raise CommandFailed("Give one of --organization, --platform and --all.")
    if output is not None and output.is_dir():
        raise CommandFailed(f"{output} is a folder; name a file in it.")
    settings = load_settings(data_dir=data_dir)
    with database(settings) as urls, _progress("Writing") as progress:
        require_head(urls)
        chain = asyncio.run(_organization(urls, organization)) if organization else PLATFORM if platform else None
        with _written(output) as file:
            asyncio.run(_export(settings, urls, chain, file, progress))


def verify(
    file: Annotated[
        Path | None, typer.Argument(help="A file that `export` wrote; `-` is the standard input.  [default: database]")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An older export, whose checkpoints must hold as well.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Check that nothing was changed, removed, inserted, moved or cut off; one line for each finding.

    Checkpoints are verified with the public part of the signing key.
    """
    settings = load_settings(data_dir=data_dir)
    keys = public_keys(settings)
    anchors = _anchors(against)
    found = 0
    with _progress("Verifying") as progress:
        for finding in _findings(settings, file, keys, anchors, progress):
            found += 1
            typer.echo(str(finding))
    if found:
        raise CommandFailed(f"The audit log does not hold: {found:,} finding{'s' if found > 1 else ''}.")
    typer.echo("The audit log holds.", err=True)


def checkpoint(data_dir: DataDir = None) -> None:
    """Sign the heads of all chains that have grown since their last checkpoint.

    A running gateway does it every few minutes.
    """
    settings = load_settings(data_dir=data_dir)
    with database(settings) as urls:
        require_head(urls)
        signed = asyncio.run(_checkpoint(settings, urls, None))
    typer.echo(f"Signed {signed:,} chain{'' if signed == 1 else 's'}.")


def _findings(
    settings: Settings, file: Path | None, keys: Keys, anchors: Anchors, progress: Progress
) -> Iterator[Finding]:
    if file == STANDARD_INPUT:
        yield from verify_file(sys.stdin.buffer, keys, anchors, progress)
    elif file is not None:
        with file.open("rb") as lines:
            yield from verify_file(lines, keys, anchors, progress)
    else:
        with database(settings) as urls:
            require_head(urls)
            yield from asyncio.run(_verify_database(urls, keys, anchors, progress))


async def _verify_database(urls: DatabaseUrls, keys: Keys, anchors: Anchors, progress: Progress) -> list[Finding]:
    async with snapshot(urls.owner) as connection:
        return [finding async for finding in verify_database(fetching(connection), keys, anchors, progress)]


async def _organization(urls: DatabaseUrls, code: str) -> UUID:
    async with transaction(urls.owner) as connection:
        found = await find_organization(fetching(connection), code)
    if found is None:
        raise CommandFailed(f"There is no organization {code}.")
    return found


async def _export(
    settings: Settings, urls: DatabaseUrls, chain: UUID | None, file: IO[bytes], progress: Progress
) -> None:
    """Records the export, signs what it will hold, and writes it."""
    one = chain is not None and chain != PLATFORM
    entry = Entry(
        PLATFORM,
        Event.EXPORT,
        Decision.ALLOWED,
        target_type="Organization" if one else None,
        target_id=chain if one else None,
    )
    async with transaction(urls.owner) as connection:
        await append(fetching(connection), [entry])
    await _checkpoint(settings, urls, None if chain is None else [chain])
    async with snapshot(urls.owner) as connection:
        fetch = fetching(connection)
        chains = await read_chains(fetch) if chain is None else [chain]
        async for line in export(fetch, chains, progress):
            file.write(line)


async def _checkpoint(settings: Settings, urls: DatabaseUrls, chains: Iterable[UUID] | None) -> int:
    async with transaction(urls.owner) as connection:
        return await add_checkpoints(fetching(connection), signing_key(settings), chains=chains)


def _anchors(file: Path | None) -> Anchors:
    if file is None:
        return {}
    try:
        with file.open("rb") as lines:
            return checkpoints_of(read_line(line.rstrip(b"\n")) for line in lines)
    except BadLine as error:
        raise CommandFailed(f"{file} is no export: {error}.") from error


@contextmanager
def _written(output: Path | None) -> Iterator[IO[bytes]]:
    """Gives the standard output, or a file that appears whole or not at all, and only its owner can read."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    descriptor, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.rename(output)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _progress(verb: str) -> Iterator[Progress]:
    """Shows on a terminal how many records were worked on."""
    done = 0
    with Console(stderr=True).status(f"{verb} …") as status:

        def progress() -> None:
            nonlocal done
            done += 1
            if done % SHOW_EVERY == 0:
                status.update(f"{verb} {done:,} records …")

        yield progress
