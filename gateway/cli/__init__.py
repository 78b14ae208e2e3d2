"""The command line: `itcare-gateway COMMAND`. One module per group of commands."""

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer
from sqlalchemy.exc import DBAPIError

from auth.keys import KeyFileError
from gateway.cli import (
    access,
    auditing,
    data,
    importing,
    inspection,
    keys,
    operations,
    schema_changes,
    serving,
    working,
)
from gateway.cli.options import CommandFailed
from gateway.postgres import PostgresError

app = typer.Typer(
    name="itcare-gateway",
    help="A GraphQL gateway over the ITCare resource model.",
    epilog="Settings are environment variables: ITCARE_…, DATABASE_URL, DATABASE_OWNER_URL and PG_BIN.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"itcare-gateway {version('itcare-gateway')} (Python {platform.python_version()})")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


for group in (serving, working, operations, importing, data, access, auditing, keys, schema_changes, inspection):
    group.register(app)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command; exits with 1 and one line on standard error if it failed, with 2 if it was called wrongly."""
    try:
        app(arguments, prog_name="itcare-gateway")
    except (CommandFailed, PostgresError, KeyFileError) as error:
        _fail(str(error))
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        _fail("The connection to the database was lost.")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of our output has gone
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    sys.exit(0)


def _fail(message: str) -> NoReturn:
    typer.echo(f"itcare-gateway: {message}", err=True)
    sys.exit(1)
