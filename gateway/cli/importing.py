"""`import`: inventories of other systems."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from gateway.cli.options import CommandFailed, DataDir, load_settings
from gateway.migrate import require_head
from gateway.postgres import database
from resolvers.importing import (
    Format,
    ImportInterrupted,
    ImportRefused,
    ImportSummary,
    Progress,
    Stage,
    import_inventory,
    sources_of,
)


def register(app: typer.Typer) -> None:
    """Adds this group's commands."""
    app.command("import")(import_files)


def import_files(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="CSV or NDJSON; `-` is the standard input.")],
    format_: Annotated[
        Format | None, typer.Option("--format", help="How the files are written.  [default: as their names end]")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count everything, and write nothing.")] = False,
    create_missing: Annotated[
        bool,
        typer.Option(
            "--create-missing/--no-create-missing",
            help="Whether to create organizations, Clouds and Services that are named and not there.",
        ),
    ] = True,
    data_dir: DataDir = None,
) -> None:
    """Import resources: all or nothing; the same files again change nothing.

    Every error is printed with its file, line and column. Works beside a running gateway.
    """
    try:
        sources = sources_of(files, format_)
        with database(load_settings(data_dir=data_dir)) as urls:
            require_head(urls)
            with _progress() as progress:
                found = asyncio.run(
                    import_inventory(
                        urls.owner, sources, dry_run=dry_run, create_missing=create_missing, progress=progress
                    )
                )
    except ImportRefused as refusal:
        for error in refusal.errors:
            typer.echo(str(error), err=True)
        unlisted = refusal.total - len(refusal.errors)
        more = f" The first {len(refusal.errors)} are listed." if unlisted else ""
        raise CommandFailed(f"{refusal}{more}") from refusal
    except ImportInterrupted as error:
        raise CommandFailed(str(error)) from error
    typer.echo(_report(found))


def _report(found: ImportSummary) -> str:
    verb = "Would have imported" if found.dry_run else "Imported"
    around = "".join(f", {count:,} new in {name}" for name, count in found.also_created.items() if count)
    return (
        f"{verb} {found.created + found.updated + found.unchanged:,} resources in {found.seconds:.1f} s:"
        f" {found.created:,} created, {found.updated:,} updated, {found.unchanged:,} unchanged{around}."
    )


@contextmanager
def _progress() -> Iterator[Progress]:
    """Shows on a terminal how far the import is."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {stage: bar.add_task(stage.value, total=None, visible=False) for stage in Stage}
        yield lambda stage, done, total: bar.update(tasks[stage], completed=done, total=total, visible=True)
