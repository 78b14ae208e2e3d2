"""`keys`: the keys of access tokens."""

import typer

from gateway.cli.options import CommandFailed, DataDir, load_settings
from gateway.keys import rotate as rotate_keys

keys = typer.Typer(help="Keep the keys of access tokens.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds this group's commands."""
    app.add_typer(keys, name="keys")


@keys.callback()
def _group() -> None:
    pass


@keys.command()
def rotate(data_dir: DataDir = None) -> None:
    """Make a new signing key; what the one before has signed stays good until it expires.

    Works beside a running gateway, which sees it at once. Nothing private of the key before is kept.
    """
    settings = load_settings(data_dir=data_dir)
    if settings.signing_key_file is not None:
        raise CommandFailed(
            "The signing key is the file that ITCARE_SIGNING_KEY_FILE names: put another there, and name the one"
            " before in ITCARE_RETIRED_KEY_FILES."
        )
    done = rotate_keys(settings)
    typer.echo(f"The key {done.after.kid} signs from now on.")
    typer.echo(f"The key {done.before.kid} verifies what it has signed until {done.until:%Y-%m-%d %H:%M:%S} UTC.")
    if done.dropped:
        typer.echo(f"Dropped {done.dropped} of earlier rotations: no token of theirs can be valid any more.")
