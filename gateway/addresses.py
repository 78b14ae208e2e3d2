"""Where the gateway is reached, and so in whose name its tokens are: all processes of a data folder agree on it.

An operator says it by `ITCARE_PUBLIC_URL`. Otherwise it is where the process that serves listens, which may be a free
port: that one writes it into the data folder, where `itcare-gateway token` finds it.
"""

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from gateway.settings import Settings

_FILE: Final = "address"


def settings_at(settings: Settings, url: str, issuer: str | None = None) -> Settings:
    """Give the settings of a gateway that is reached at a URL: they say what was left open."""
    given = settings.model_fields_set
    public_url = settings.public_url if "public_url" in given else url
    name = settings.issuer if "issuer" in given else issuer or public_url
    return settings.model_copy(update={"public_url": public_url, "issuer": name})


def serving_at(settings: Settings, url: str) -> Settings:
    """Give the settings of a gateway that listens at a URL, and write down where it is, for commands beside it.

    A data folder that cannot be written holds nothing that they would run with either.
    """
    settings = settings_at(settings, url)
    with suppress(OSError):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=settings.data_dir, prefix=_FILE, delete=False) as draft:
            draft.write(f"{settings.public_url}\n{settings.issuer}\n")
        Path(draft.name).replace(settings.data_dir / _FILE)
    return settings


def settings_beside(settings: Settings) -> Settings:
    """Give the settings of the gateway that serves, or served last, on the same data folder."""
    try:
        url, issuer = (settings.data_dir / _FILE).read_text().split()
    except (OSError, ValueError):
        return settings
    return settings_at(settings, url, issuer)
