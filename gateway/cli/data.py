"""`backup` and `restore`: the database's content as a file."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway import migrate as migrations
from gateway.cli.options import CommandFailed, DataDir, load_settings
from gateway.postgres import backup as backups
from gateway.postgres import database
from gateway.postgres.programs import find_programs
from resolvers.tables import AvailabilityZone, DataCenter, Environment, Product, Region, Sizing

REFERENCE_TABLES = [
    str(model.__tablename__) for model in (AvailabilityZone, DataCenter, Environment, Product, Region, Sizing)
]
"""Tables with rows in every migrated database."""


def register(app: typer.Typer) -> None:
    """Adds this group's commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; one of that name is replaced.")],
    data_dir: DataDir = None,
) -> None:
    """Write the database to a file, as it is at one moment; the gateway goes on serving.

    The keys are not in it: keep the data folder's `keys`, or your key files, apart from it.
    """
    settings = load_settings(data_dir=data_dir)
    if file.is_dir():
        raise CommandFailed(f"{file} is a folder; name a file in it.")
    with database(settings) as urls, _progress("Writing") as progress:
        found = migrations.read_revisions(urls.owner)
        started = time.monotonic()
        backups.backup(urls.owner, find_programs(settings.pg_bin), file, progress)
    size = file.stat().st_size / 1e6
    typer.echo(f"Wrote {file}: {size:,.1f} MB at revision {found.current}, in {time.monotonic() - started:.1f} s.")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `backup` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a database that holds rows.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Replace the database by the content of a backup, all or nothing, and migrate it to this version.

    Refuses a database that holds rows. Beside a running gateway, its requests wait, then see what was restored.
    """
    settings = load_settings(data_dir=data_dir)
    with database(settings, create=True) as urls:
        started = time.monotonic()
        with _progress("Restoring") as progress:
            backups.restore(
                urls,
                find_programs(settings.pg_bin),
                file,
                progress,
                known_revisions=migrations.known_revisions(),
                ignored=REFERENCE_TABLES,
                force=force,
            )
        before, after = migrations.upgrade(urls)
    migrated = "" if before == after else f" and migrated to {after.current}"
    typer.echo(f"Restored {file} at revision {before.current}{migrated}, in {time.monotonic() - started:.1f} s.")


@contextmanager
def _progress(verb: str) -> Iterator[backups.Progress]:
    """Shows on a terminal which table is being worked on."""
    with Console(stderr=True).status(f"{verb} …") as status:
        yield lambda table: status.update(f"{verb} {table} …")
