"""Migrations: forwards and backwards, one process at a time, and what they make is what the models have."""

import os
import subprocess
import sys

import pytest
from sqlalchemy import make_url

from gateway.migrate import differences, downgrade, known_revisions, read_revisions, require_head, upgrade
from gateway.postgres import DatabaseUrls, PostgresError
from tests.databases import Databases

TABLES = "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"
RIGHTS = """
SELECT string_agg(privilege_type, ' ' ORDER BY privilege_type) FROM information_schema.role_table_grants
WHERE grantee = '{role}' AND table_name = '{table}'
"""
UPGRADE = """
import sys
from gateway.migrate import upgrade
from gateway.postgres import DatabaseUrls
before, after = upgrade(DatabaseUrls(*sys.argv[1:]))
print(before.current or "none", after.current)
"""


def test_the_migrations_make_what_the_models_have(database: DatabaseUrls) -> None:
    assert differences(database) is None


def test_migrations_go_forwards_backwards_and_forwards_again(bare: DatabaseUrls, databases: Databases) -> None:
    upgrade(bare)
    first = databases.run(TABLES, bare)
    assert "resource" in first.split()
    downgrade(bare, "base")
    assert databases.run(TABLES, bare) == "alembic_version"
    upgrade(bare)
    assert databases.run(TABLES, bare) == first
    assert differences(bare) is None


def test_every_revision_can_be_taken_back_alone(bare: DatabaseUrls) -> None:
    revisions = known_revisions()[::-1]
    for revision in revisions:
        upgrade(bare, revision)
        downgrade(bare, "-1")
        upgrade(bare, revision)
        assert read_revisions(bare.owner).current == revision


def test_of_two_that_migrate_together_one_does_it(bare: DatabaseUrls) -> None:
    several = [
        subprocess.Popen(  # noqa: S603 - this Python
            [sys.executable, "-c", UPGRADE, bare.app, bare.owner], stdout=subprocess.PIPE, text=True, env=os.environ
        )
        for _ in range(2)
    ]
    head = known_revisions()[0]
    said = sorted(process.communicate()[0].split() for process in several)
    assert said == sorted([["none", head], [head, head]])


def test_the_app_role_reads_and_writes_rows_and_owns_nothing(database: DatabaseUrls, databases: Databases) -> None:
    rights = databases.run(RIGHTS.format(role="itcare_app", table="resource"), database)
    assert rights == "DELETE INSERT SELECT UPDATE"
    assert (
        databases.run("SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = 'itcare_app'", database) == "0"
    )


def test_the_app_role_cannot_change_which_revision_the_database_is_at(
    database: DatabaseUrls, databases: Databases
) -> None:
    assert databases.run(RIGHTS.format(role="itcare_app", table="alembic_version"), database) == "SELECT"


def test_an_operators_own_roles_are_used(foreign: DatabaseUrls, databases: Databases) -> None:
    upgrade(foreign)
    require_head(foreign)
    rights = databases.run(RIGHTS.format(role=foreign.app_role, table="resource"), foreign)
    assert rights == "DELETE INSERT SELECT UPDATE"


def test_a_database_that_was_not_migrated_is_told_from_one_that_was(bare: DatabaseUrls) -> None:
    with pytest.raises(PostgresError, match=r"at revision none, .* run `itcare-gateway migrate`"):
        require_head(bare)
    upgrade(bare)
    require_head(bare)
    downgrade(bare, "base")


def test_an_unknown_revision_is_refused(database: DatabaseUrls) -> None:
    with pytest.raises(PostgresError, match="'nowhere'"):
        upgrade(database, "nowhere")


def test_a_database_that_cannot_be_reached_is_named_without_its_password(database: DatabaseUrls) -> None:
    unknown = make_url(database.owner).set(database="nowhere", password="secret").render_as_string(hide_password=False)
    with pytest.raises(PostgresError, match=r"The database nowhere at .* cannot be reached") as refusal:
        read_revisions(unknown)
    assert "secret" not in str(refusal.value)
