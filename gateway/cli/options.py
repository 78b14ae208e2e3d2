"""The options that several commands share, and the settings they make."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from gateway.settings import Settings

PREFIXES = {
    model.__name__: model.model_config["env_prefix"]
    for model in (Settings, *(field.annotation for field in Settings.model_fields.values()))
    if isinstance(model, type) and issubclass(model, BaseSettings)
}
"""How variables begin, by what they set."""


class CommandFailed(Exception):
    """What was asked cannot be done; the message is one sentence for the operator."""


DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of the embedded PostgreSQL and of generated keys.  [env: ITCARE_DATA_DIR; .itcare]"),
]
Host = Annotated[str | None, typer.Option(help="Address to listen on.  [env: ITCARE_HOST; 127.0.0.1]")]
Port = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.  [env: ITCARE_PORT; 8000]"),
]


def load_settings(**given: object) -> Settings:
    """Reads the settings from the environment; options that were `given`, and are not None, go before.

    Raises:
        CommandFailed: a variable or an option is wrong; the message names it and not its value.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = "; ".join(_named(error.title, problem["loc"]) + problem["msg"] for problem in error.errors())
        raise CommandFailed(f"A setting is wrong: {wrong}.") from error


def _named(model: str, location: tuple[int | str, ...]) -> str:
    """The environment variable of a field, as its alias says or its prefix makes it; none for what is about several."""
    if not location:
        return ""
    name = str(location[0])
    return f"{name}: " if name.isupper() else f"{PREFIXES.get(model, '')}{name.upper()}: "
