"""`migrate` and `downgrade`: the database's own schema."""

from typing import Annotated

import typer

from gateway import migrate as migrations
from gateway.cli.options import CommandFailed, DataDir, load_settings
from gateway.migrate import Revisions
from gateway.postgres import DatabaseUrls, database


def register(app: typer.Typer) -> None:
    """Adds this group's commands."""
    app.command()(migrate)
    app.command()(downgrade)


def migrate(
    revision: Annotated[str, typer.Option(help="How far to migrate forwards.")] = "head",
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if the database or the migrations are behind.")
    ] = False,
    draft: Annotated[
        str | None,
        typer.Option(metavar="MESSAGE", help="For developers: write the revision that makes what the models have."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Bring the database to the newest revision, as the owner.

    Of several that start together, one migrates; the others wait and find it done. `serve` does it by itself for the
    embedded PostgreSQL, and never for yours.
    """
    with database(load_settings(data_dir=data_dir), create=not check) as urls:
        if check:
            _check(urls)
        elif draft is not None:
            _draft(urls, draft)
        else:
            _report(*migrations.upgrade(urls, revision))


def downgrade(
    revision: Annotated[str, typer.Argument(help="The revision to go back to; `base` is before the first.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Take the database back to an earlier revision; what later ones added is lost."""
    with database(load_settings(data_dir=data_dir)) as urls:
        if not yes:
            typer.confirm("This deletes what later revisions added. Go on?", abort=True, err=True)
        _report(*migrations.downgrade(urls, revision))


def _report(before: Revisions, after: Revisions) -> None:
    if before == after:
        typer.echo(f"The database is at revision {after.current or 'none'}; there was nothing to do.")
    else:
        typer.echo(f"The database went from revision {before.current or 'none'} to {after.current or 'none'}.")


def _check(urls: DatabaseUrls) -> None:
    migrations.require_head(urls)
    if found := migrations.differences(urls):
        raise CommandFailed(f"The models and the migrations differ. {found}")
    typer.echo("The database is at the newest revision, and the migrations make what the models have.")


def _draft(urls: DatabaseUrls, message: str) -> None:
    migrations.require_head(urls)
    if migrations.differences(urls) is None:
        raise CommandFailed("The migrations make what the models have already; there is nothing to draft.")
    typer.echo(f"Wrote {migrations.draft(urls, message)}: read it, and write what autogeneration cannot know.")
