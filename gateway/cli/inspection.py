"""`schema`, `permissions` and `doctor`: what the gateway is, and whether it can run."""

import platform
import sys
from collections.abc import Callable, Iterator

import typer

from auth.keys import KeyFileError
from gateway import keys
from gateway.cli.options import DataDir, load_settings
from gateway.migrate import read_revisions
from gateway.postgres import PostgresError, database
from gateway.settings import Settings
from gateway.web import DIST

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 14)

Finding = tuple[bool, str]
"""Whether a thing is as it should be, and a sentence."""


def register(app: typer.Typer) -> None:
    """Adds this group's commands."""
    app.command()(schema)
    app.command()(permissions)
    app.command()(doctor)


def schema() -> None:
    """Print the GraphQL schema in the schema definition language."""
    from schema.build import build_schema, sdl

    typer.echo(sdl(build_schema()), nl=False)


def permissions() -> None:
    """Print who may do what, as docs/permissions.md has it."""
    from gateway.permissions import permissions_page

    typer.echo(permissions_page(), nl=False)


def doctor(data_dir: DataDir = None) -> None:
    """Check what the gateway needs, one line each; fails if something is missing."""
    settings = load_settings(data_dir=data_dir)
    fine = True
    for ok, sentence in [_python(), *_database(settings), *_keys(settings), _graphiql()]:
        typer.echo(f"{'ok     ' if ok else 'MISSING'}  {sentence}")
        fine = fine and ok
    if not fine:
        raise typer.Exit(1)


def _python() -> Finding:
    return OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON, f"Python {platform.python_version()}"


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        with database(settings) as urls:
            found = read_revisions(urls.app)
    except PostgresError as error:
        yield False, str(error)
        return
    yield True, f"Database: {'DATABASE_URL' if settings.database_url else f'embedded, in {settings.data_dir}'}"
    if found.is_current:
        yield True, f"Schema of the database: revision {found.current}, the newest"
    else:
        yield (
            False,
            f"Schema of the database: revision {found.current or 'none'}, the newest is {found.head}: `migrate`",
        )


def _keys(settings: Settings) -> Iterator[Finding]:
    named = settings.signing_key_file and settings.cursor_key_file and settings.mfa_key_file
    if not (settings.data_dir / "keys").exists() and not named:
        yield True, f"Keys: made at the first start, in {settings.data_dir / 'keys'}"
        return
    yield _key("Signing key", keys.signing_key, settings)
    yield _key("Retired keys", keys.KeyRing, settings)
    yield _key("Cursor key", keys.cursor_key, settings)
    yield _key("MFA key", keys.mfa_key, settings)
    yield _key("Key of notifications", keys.push_key, settings)


def _key(name: str, read: Callable[[Settings], object], settings: Settings) -> Finding:
    try:
        read(settings)
    except KeyFileError as error:
        return False, f"{name}: {error}"
    return True, f"{name}: readable"


def _graphiql() -> Finding:
    built = (DIST / "index.html").is_file()
    return built, f"GraphiQL: {'built' if built else 'not built: `python -m gateway.web.build`'}"
