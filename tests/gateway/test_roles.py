"""An operator's own roles: whom row-level security must hold, and the owner, who works under it without privileges."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import make_url

from gateway.cli.data import REFERENCE_TABLES
from gateway.migrate import known_revisions, upgrade
from gateway.postgres import DatabaseUrls, PostgresError
from gateway.postgres.backup import backup, restore
from gateway.postgres.programs import find_programs
from gateway.postgres.roles import require_held_role
from resolvers.demo import load_demo
from tests.databases import Databases

RESOURCES = 30
POLICIES = """
SELECT polrelid::regclass, polname, polcmd, polroles::regrole[], pg_get_expr(polqual, polrelid),
  pg_get_expr(polwithcheck, polrelid), relrowsecurity, relforcerowsecurity
FROM pg_policy JOIN pg_class c ON c.oid = polrelid ORDER BY polrelid::regclass::text, polname
"""
CALLABLE_BY_ANYBODY = """
SELECT count(*) FROM pg_proc p, aclexplode(p.proacl) a
WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace AND a.grantee = 0
"""


@pytest.fixture
def operators(foreign: DatabaseUrls) -> DatabaseUrls:
    """A migrated database whose owner is no superuser."""
    upgrade(foreign)
    return foreign


@pytest.fixture
def name(operators: DatabaseUrls) -> str:
    return str(make_url(operators.owner).database)


def count(databases: Databases, urls: DatabaseUrls, table: str = "resource") -> int:
    return int(databases.run(f"SELECT count(*) FROM {table}", urls))  # noqa: S608 - our own tables


def test_a_role_that_only_logs_in_may_serve(operators: DatabaseUrls, database: DatabaseUrls) -> None:
    require_held_role(operators.app)
    require_held_role(database.app)


def test_the_owner_may_not_serve(operators: DatabaseUrls) -> None:
    with pytest.raises(PostgresError, match=r"does not serve as the role bare_\d+_owner, which owns tables"):
        require_held_role(operators.owner)


def test_a_superuser_may_not_serve(database: DatabaseUrls) -> None:
    with pytest.raises(PostgresError, match="role postgres, which is a superuser or has BYPASSRLS"):
        require_held_role(database.owner)


@pytest.mark.parametrize(
    ("change", "undo"),
    [
        ("ALTER ROLE {0}_app BYPASSRLS", "ALTER ROLE {0}_app NOBYPASSRLS"),
        ("GRANT {0}_owner TO {0}_app", "REVOKE {0}_owner FROM {0}_app"),
        ("GRANT {0}_owner TO {0}_app WITH INHERIT FALSE", "REVOKE {0}_owner FROM {0}_app"),
        ("ALTER TABLE snapshot OWNER TO {0}_app", "ALTER TABLE snapshot OWNER TO {0}_owner"),
    ],
)
def test_a_role_that_got_more_than_it_should_have_may_not_serve(
    operators: DatabaseUrls, database: DatabaseUrls, databases: Databases, name: str, change: str, undo: str
) -> None:
    superuser = make_url(database.owner).set(database=name).render_as_string(hide_password=False)
    as_superuser = DatabaseUrls(app=operators.app, owner=superuser)
    databases.run(change.format(name), as_superuser)
    with pytest.raises(PostgresError, match="row-level security would not hold it"):
        require_held_role(operators.app)
    databases.run(undo.format(name), as_superuser)
    require_held_role(operators.app)


def test_an_owner_who_is_no_superuser_copies_rows(operators: DatabaseUrls, databases: Databases) -> None:
    made = asyncio.run(load_demo(operators.owner, resources=RESOURCES))
    assert count(databases, operators) == RESOURCES
    for table, rows in made.rows.items():
        assert count(databases, operators, table) == rows


def test_a_backup_of_one_owner_is_whole_and_restored_for_another(
    operators: DatabaseUrls, databases: Databases, tmp_path: Path
) -> None:
    file, target = tmp_path / "demo.dump", databases.make()
    asyncio.run(load_demo(operators.owner, resources=RESOURCES))
    backup(operators.owner, find_programs(None), file, lambda _: None)
    policies = databases.run(POLICIES, operators)
    restore(
        target,
        find_programs(None),
        file,
        lambda _: None,
        known_revisions=known_revisions(),
        ignored=REFERENCE_TABLES,
        force=False,
    )
    assert count(databases, target) == RESOURCES
    assert databases.run(POLICIES, target) == policies.replace(
        f"{{{make_url(operators.owner).username}}}", "{postgres}"
    )
    assert databases.run(CALLABLE_BY_ANYBODY, target) == "0"
    require_held_role(target.app)
    databases.drop(target)


def test_who_sees_only_some_rows_cannot_make_a_backup(operators: DatabaseUrls, tmp_path: Path) -> None:
    with pytest.raises(PostgresError, match="affected by row-level security"):
        backup(operators.app, find_programs(None), tmp_path / "part.dump", lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_the_owner_is_exempted_once_and_in_every_protected_table(operators: DatabaseUrls, databases: Databases) -> None:
    without = "SELECT count(*) FROM pg_class c WHERE c.relforcerowsecurity AND 1 <> (SELECT count(*) FROM pg_policy p"
    without += " WHERE p.polrelid = c.oid AND p.polname = 'owner')"
    assert databases.run(without, operators) == "0"
    upgrade(operators)
    assert databases.run(without, operators) == "0"
