"""Backups: whole or not at all, both ways."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.data import REFERENCE_TABLES
from gateway.migrate import downgrade, known_revisions, require_head, upgrade
from gateway.postgres import DatabaseUrls, PostgresError
from gateway.postgres.backup import backup, restore
from gateway.postgres.programs import find_programs
from tests.databases import Databases
from tests.gateway.test_migrate import RIGHTS

ADD = """
INSERT INTO organization (id, code, name, is_group, created_at) VALUES (uuidv7(), '{code}', '{code}', false, now())
"""
CODES = "SELECT string_agg(code, ' ' ORDER BY code) FROM organization"


@pytest.fixture
def target(databases: Databases) -> Iterator[DatabaseUrls]:
    """A migrated database with no row."""
    urls = databases.make()
    yield urls
    databases.drop(urls)


@pytest.fixture(scope="module")
def acme(databases: Databases, database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a database in which there is `acme`."""
    databases.run(ADD.format(code="acme"), database)
    return back_up(database, tmp_path_factory.mktemp("backup") / "acme.dump")


def back_up(urls: DatabaseUrls, file: Path) -> Path:
    backup(urls.owner, find_programs(None), file, lambda _: None)
    return file


def bring_back(urls: DatabaseUrls, file: Path, *, force: bool = False, known: list[str] | None = None) -> list[str]:
    tables: list[str] = []
    known = known_revisions() if known is None else known
    restore(
        urls,
        find_programs(None),
        file,
        tables.append,
        known_revisions=known,
        ignored=REFERENCE_TABLES,
        force=force,
    )
    return tables


def test_what_was_recorded_cannot_be_changed_after_it_was_restored(
    acme: Path, target: DatabaseUrls, databases: Databases
) -> None:
    bring_back(target, acme)
    for table in ("audit_record", "audit_checkpoint"):
        assert databases.run(RIGHTS.format(role="itcare_app", table=table), target) == "INSERT SELECT"
        with pytest.raises(AssertionError, match="only grows"):
            databases.run(f"TRUNCATE {table} CASCADE", target)


def test_what_was_backed_up_is_restored(acme: Path, target: DatabaseUrls, databases: Databases) -> None:
    assert "organization" in bring_back(target, acme)
    assert databases.run(CODES, target) == "acme"


def test_the_app_role_has_its_rights_after_a_restore(acme: Path, target: DatabaseUrls, databases: Databases) -> None:
    rights = (
        "SELECT has_table_privilege('itcare_app', 'organization', 'INSERT'),"
        " has_table_privilege('itcare_app', 'alembic_version', 'UPDATE')"
    )
    bring_back(target, acme)
    assert databases.run(rights, target) == "t|f"


def test_a_database_that_holds_rows_is_replaced_only_by_force(
    acme: Path, target: DatabaseUrls, databases: Databases
) -> None:
    databases.run(ADD.format(code="globex"), target)
    with pytest.raises(PostgresError, match="Nothing was restored: the database is not empty: organization has rows"):
        bring_back(target, acme)
    assert databases.run(CODES, target) == "globex"
    bring_back(target, acme, force=True)
    assert databases.run(CODES, target) == "acme"


def test_a_damaged_backup_changes_nothing(
    acme: Path, target: DatabaseUrls, databases: Databases, tmp_path: Path
) -> None:
    databases.run(ADD.format(code="globex"), target)
    content = acme.read_bytes()
    for length in (0, 5, len(content) // 2, len(content) - 10):
        damaged = tmp_path / "damaged.dump"
        damaged.write_bytes(content[:length])
        with pytest.raises(PostgresError, match="Nothing was restored: "):
            bring_back(target, damaged, force=True)
        assert databases.run(CODES, target) == "globex"


def test_a_backup_of_a_newer_version_is_refused(acme: Path, target: DatabaseUrls, databases: Databases) -> None:
    with pytest.raises(PostgresError, match="made by a newer version"):
        bring_back(target, acme, known=["0000"])
    assert databases.run("SELECT count(*) FROM organization", target) == "0"


def test_a_dump_of_something_else_is_refused(databases: Databases, target: DatabaseUrls, tmp_path: Path) -> None:
    other = databases.make_bare()
    databases.run("CREATE TABLE note (text text)", other)
    with pytest.raises(PostgresError, match="no backup of a gateway's database"):
        bring_back(target, back_up(other, tmp_path / "other.dump"))
    assert databases.run("SELECT count(*) FROM organization", target) == "0"
    databases.drop(other)


def test_a_backup_is_private_and_replaces_one_of_its_name(database: DatabaseUrls, acme: Path, tmp_path: Path) -> None:
    file = tmp_path / "nightly.dump"
    file.write_text("yesterday's")
    back_up(database, file)
    assert file.read_bytes()[:5] == b"PGDMP"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_backup_moves_to_an_operators_own_roles(acme: Path, foreign: DatabaseUrls, databases: Databases) -> None:
    bring_back(foreign, acme)
    require_head(foreign)
    assert databases.run(CODES, foreign) == "acme"


def test_one_role_may_be_both_owner_and_app(acme: Path, foreign: DatabaseUrls) -> None:
    alone = DatabaseUrls(app=foreign.owner, owner=foreign.owner)
    bring_back(alone, acme)
    downgrade(alone, "base")
    upgrade(alone)


def test_a_backup_that_fails_leaves_no_file(database: DatabaseUrls, tmp_path: Path) -> None:
    nowhere = DatabaseUrls(app=database.app, owner=database.owner.replace("/test_", "/no_"))
    with pytest.raises(PostgresError, match="does not exist"):
        back_up(nowhere, tmp_path / "nightly.dump")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(database: DatabaseUrls, tmp_path: Path) -> None:
    with pytest.raises(PostgresError, match=r"nightly\.dump cannot be written: No such file or directory"):
        back_up(database, tmp_path / "nowhere" / "nightly.dump")
