"""Writes the database to a file and reads it back, with PostgreSQL's own `pg_dump` and `pg_restore`."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

from gateway.postgres.errors import PostgresError
from gateway.postgres.privileges import PROTECT_ROWS, app_privileges, protect_tables
from gateway.postgres.programs import Programs, clean_environment
from gateway.postgres.roles import owns_all
from gateway.postgres.urls import DatabaseUrls, libpq_environment

Progress = Callable[[str], None]
"""Told the name of each table as its rows are copied."""

# Ownership and privileges are those of where the backup is restored.
PLAIN = ["--no-owner", "--no-privileges"]

OWNER_POLICY = re.compile(r"\d+; \d+ \d+ POLICY public \w+ owner ")
"""A line of `pg_restore --list`: number, identifiers, kind, schema, table, name, owner."""

REFUSE_ROWS = """
DO $$
DECLARE name text; has_rows boolean;
BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ({ignored}) LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name) INTO has_rows;
    IF has_rows THEN
      RAISE EXCEPTION 'the database is not empty: % has rows; --force replaces everything', name;
    END IF;
  END LOOP;
END $$;
"""

REFUSE_UNKNOWN_REVISION = """
DO $$
BEGIN
  IF to_regclass('public.alembic_version') IS NULL THEN
    RAISE EXCEPTION 'the file is no backup of a gateway''s database';
  END IF;
  IF EXISTS (SELECT FROM public.alembic_version WHERE version_num NOT IN ({known})) THEN
    RAISE EXCEPTION 'the backup was made by a newer version of the gateway';
  END IF;
END $$;
"""


def backup(url: str, programs: Programs, file: Path, progress: Progress) -> None:
    """Writes the database of `url` to `file`, as it is at one moment, in PostgreSQL's custom format and mode 0600.

    The file appears whole or not at all, and replaces one of that name.

    Raises:
        PostgresError: the database cannot be read, or the file not written.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    except OSError as error:
        raise PostgresError(f"{file} cannot be written: {error.strerror}.") from error
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "rb") as written:
            # By its name: on standard output pg_dump appends a second table of contents.
            command = [programs.path("pg_dump"), "--format=custom", "--verbose", f"--file={draft}", *PLAIN]
            # The owner sees all rows, by its policy. Of anybody else, pg_dump would take the few they see for all.
            if owns_all(url):
                command.append("--enable-row-security")
            _run(command, _environment(url), subprocess.DEVNULL, progress)
            os.fsync(written.fileno())
        draft.rename(file)
    except OSError as error:
        raise PostgresError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)


def restore(
    urls: DatabaseUrls,
    programs: Programs,
    file: Path,
    progress: Progress,
    *,
    known_revisions: Iterable[str],
    ignored: Iterable[str],
    force: bool,
) -> None:
    """Replaces the database by the content of `file`, all or nothing; without `force`, only one that holds no rows.

    Rows of the tables `ignored` do not count, nor does the revision: every migrated database has them.
    Works beside a running gateway: its requests wait, then see what was restored.

    Raises:
        PostgresError: the file is no backup, or of a newer version, or the database holds rows or cannot be written.
    """
    if not file.is_file():
        raise PostgresError(f"There is no file {file}.")
    refuse_rows = "" if force else REFUSE_ROWS.format(ignored=_literals(["alembic_version", *ignored]))
    prologue = f"BEGIN;\nSET lock_timeout = '60s';\n{refuse_rows}"
    prologue += "DROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n"
    epilogue = f"\n{REFUSE_UNKNOWN_REVISION.format(known=_literals(known_revisions))}"
    if urls.app_role:
        prologue += "".join(f"{statement};\n" for statement in app_privileges(urls.app_role))
        epilogue += f"{protect_tables(urls.app_role)};\n"
    epilogue += f"{PROTECT_ROWS};\nCOMMIT;\nANALYZE;\n"
    with tempfile.TemporaryFile() as complaints, tempfile.NamedTemporaryFile("w", suffix=".list") as contents:
        contents.write(_without_owner_policies(programs, file))
        contents.flush()
        command = [programs.path("pg_restore"), "--file=-", "--verbose", *PLAIN]
        command += [f"--use-list={contents.name}", str(file.absolute())]
        psql = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program
            [programs.path("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse", "-f", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env=_environment(urls.owner),
        )
        with psql:
            refusal = _feed(psql, prologue, command, epilogue, progress)
        complaints.seek(0)
        if psql.returncode != 0:
            refusal = PostgresError(_reason(complaints.read().decode(errors="replace")))
    if refusal:
        raise PostgresError(f"Nothing was restored: {refusal}")


def _without_owner_policies(programs: Programs, file: Path) -> str:
    """The list of what to restore: the policies that name the owner's role are made anew, for the owner there is."""
    with tempfile.TemporaryFile("w+") as listed:
        try:
            _run(
                [programs.path("pg_restore"), "--list", str(file.absolute())], clean_environment(), listed, _no_progress
            )
        except PostgresError as error:
            raise PostgresError(f"Nothing was restored: {error}") from error
        listed.seek(0)
        return "".join(line for line in listed if not OWNER_POLICY.match(line))


def _no_progress(_table: str) -> None:
    """Tell nobody: nothing is copied."""


def _feed(
    psql: subprocess.Popen[bytes], prologue: str, command: list[str], epilogue: str, progress: Progress
) -> PostgresError | None:
    """Gives `psql` the whole script; after a failure it ends before COMMIT, and so undoes everything."""
    script = psql.stdin
    assert script is not None  # noqa: S101 - it was asked for
    try:
        script.write(prologue.encode())
        script.flush()
        _run(command, clean_environment(), script, progress)
        script.write(epilogue.encode())
        script.flush()
    except PostgresError as error:
        return error
    except BrokenPipeError:  # psql ended early and has said why
        return None
    return None


def _run(command: list[str], environment: dict[str, str], target: IO[Any] | int, progress: Progress) -> None:
    """Runs `pg_dump` or `pg_restore` with its output to `target`."""
    words: list[str] = []
    process = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program
        command, stdin=subprocess.DEVNULL, stdout=target, stderr=subprocess.PIPE, text=True, env=environment
    )
    with process:
        assert process.stderr is not None  # noqa: S101 - it was asked for
        for line in process.stderr:
            if table := re.search(r'(?:dumping contents of|processing data for) table "public\.(\w+)"', line):
                progress(table[1])
            elif "error:" in line:
                words.append(line)
    if process.returncode != 0:
        raise PostgresError(_reason("".join(words)))


def _environment(url: str) -> dict[str, str]:
    return clean_environment({**libpq_environment(url), "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "itcare-gateway"})


def _literals(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _reason(words: str) -> str:
    """The first complaint of one of PostgreSQL's programs."""
    found = re.search(r"(?:ERROR|FATAL|error): +(.+)", words)
    return found[1] if found else "PostgreSQL's program gave no reason"
