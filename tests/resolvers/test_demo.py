"""The demo: the same data every time, believable, and with something of everything."""

import asyncio
import csv
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import NullPool, Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from auth.mfa.sealing import SecretSeal
from auth.mfa.totp import code_at, step_at
from auth.tables import AccountKind
from gateway.postgres import DatabaseUrls
from resolvers.demo import (
    ACCOUNTS,
    AS_OF,
    DEMO_PASSWORD,
    MOST_RESOURCES,
    DatabaseNotEmpty,
    DemoSummary,
    FactorUnreadable,
    account_id,
    add_factors,
    add_passwords,
    demo_secrets,
    is_empty,
    load_demo,
    next_code,
)
from resolvers.demo.batch import TABLES
from resolvers.demo.content import batches
from resolvers.demo.factors import DemoFactor
from resolvers.demo.tenants import counts, organizations
from resolvers.demo.vocabulary import application
from resolvers.tables import ResourceStatus, ResourceType

RESOURCES = 2000
MATRIX = Path(__file__).parents[1] / "auth" / "privileges.csv"
DIGEST = """
import hashlib
from resolvers.demo.content import batches
digest = hashlib.sha256()
for batch in batches(300):
    for table, columns, rows in batch.in_order():
        digest.update(repr((table.__tablename__, columns, rows)).encode())
print(digest.hexdigest())
"""


class Demo:
    """A database with the demo in it."""

    def __init__(self, connection: AsyncConnection, summary: DemoSummary, told: list[tuple[int, int]]) -> None:
        self.connection = connection
        self.summary = summary
        self.told = told

    async def rows(self, statement: str, **parameters: object) -> list[Row[Any]]:
        return list(await self.connection.execute(text(statement), parameters))

    async def count(self, statement: str, **parameters: object) -> int:
        return int(await self.connection.scalar(text(f"SELECT count(*) FROM {statement}"), parameters) or 0)  # noqa: S608


@pytest.fixture(scope="module")
async def demo(database: DatabaseUrls) -> AsyncIterator[Demo]:
    told: list[tuple[int, int]] = []
    summary = await load_demo(database.owner, resources=RESOURCES, progress=lambda *now: told.append(now))
    engine = create_async_engine(database.owner, poolclass=NullPool)
    async with engine.connect() as connection:
        yield Demo(connection, summary, told)
    await engine.dispose()


def test_the_same_number_gives_the_same_rows_in_every_process() -> None:
    def digest(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", DIGEST]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603

    assert digest("1") == digest("2") != ""


@pytest.mark.parametrize("resources", [1, 2, 3, 19, 500, 25_000])
def test_a_demo_has_exactly_the_resources_asked_for(resources: int) -> None:
    assert sum(batch.resources for batch in batches(resources)) == resources


def test_there_is_one_more_organization_for_every_20_000_resources() -> None:
    assert [len(organizations(number)) for number in (2000, 19_999, 20_000, 1_000_000)] == [3, 3, 4, 53]


def test_shares_sum_up_and_the_first_never_goes_short() -> None:
    for total in range(40):
        parts = counts(total, [0.6, 0.3, 0.1])
        assert sum(parts) == total
        assert min(parts) >= 0
        assert parts[0] >= total * 0.6


def test_no_two_services_of_a_cloud_have_the_same_name_or_slug() -> None:
    made = [application(number) for number in range(30_000)]
    assert len({one.name for one in made}) == len({one.slug for one in made}) == 30_000
    assert all(one.slug.isascii() for one in made)


def test_a_row_of_the_demo_has_the_columns_of_its_table_in_no_other_spelling() -> None:
    for row, table in TABLES.items():
        assert set(row._fields) <= set(table.model_fields)


async def test_every_table_of_the_model_has_rows(demo: Demo) -> None:
    assert set(demo.summary.rows) == {table.__tablename__ for table in TABLES.values()}
    for name, written in demo.summary.rows.items():
        assert await demo.count(name) == written
    assert demo.summary.rows["resource"] == RESOURCES


async def test_progress_ends_at_the_number_of_resources(demo: Demo) -> None:
    assert demo.told[-1] == (RESOURCES, RESOURCES)


async def test_there_are_resources_of_every_type_status_and_scope(demo: Demo) -> None:
    types = Counter(row.type for row in await demo.rows("SELECT type FROM resource"))
    assert set(types) == set(ResourceType)
    assert max(types, key=types.__getitem__) == "INSTANCE"
    assert {row.status for row in await demo.rows("SELECT DISTINCT status FROM resource")} == set(ResourceStatus)
    assert await demo.count("(SELECT DISTINCT environment FROM resource) e") >= 8
    assert await demo.count("(SELECT DISTINCT scope FROM network) s") >= 2
    assert await demo.count("(SELECT DISTINCT support_phase FROM resource WHERE support_phase IS NOT NULL) p") == 4


async def test_acme_holds_about_60_per_cent(demo: Demo) -> None:
    of_acme = await demo.count("resource r JOIN organization o ON o.id = r.organization_id WHERE o.code = 'acme'")
    assert of_acme == RESOURCES * 0.6


async def test_the_example_path_is_a_running_instance_with_everything_around_it(demo: Demo) -> None:
    (web,) = await demo.rows(
        "SELECT r.* FROM resource r JOIN service s ON s.id = r.service_id JOIN cloud c ON c.id = s.cloud_id"
        " JOIN organization o ON o.id = c.organization_id"
        " WHERE (o.code, c.code, s.name, r.name) = ('acme', 'alpha', 'shop', 'web-01')"
    )
    assert (web.type, web.status, web.environment, web.tags["team"]) == (
        "INSTANCE",
        "ACTIVE",
        "production",
        "storefront",
    )
    around = ("instance", "file_system", "snapshot", "dns_alias", "operation", "maintenance_subject")
    for table in around:
        assert await demo.count(f"{table} WHERE resource_id = :id", id=web.id) > 0, table
    assert await demo.count("load_balancer_member WHERE instance_id = :id", id=web.id) > 0


async def test_clients_are_in_client_zones_and_the_group_is_in_its_own(demo: Demo) -> None:
    rows = await demo.rows(
        "SELECT DISTINCT o.is_group, z.audience FROM resource_placement p"
        " JOIN organization o ON o.id = p.organization_id"
        " JOIN availability_zone z ON z.code = p.availability_zone_code"
    )
    assert {(row.is_group, row.audience) for row in rows} == {(True, "GROUP"), (False, "CLIENT")}


async def test_object_stores_have_data_centers_and_no_zone_and_some_are_replicated(demo: Demo) -> None:
    rows = await demo.rows(
        "SELECT r.availability_zones, r.data_centers, d.geo_replicated, d.quota_gb, d.used_gb, r.name, c.code"
        " FROM resource r JOIN object_store d ON d.resource_id = r.id JOIN cloud c ON c.id = r.cloud_id"
    )
    assert all(not row.availability_zones and row.used_gb <= row.quota_gb for row in rows)
    assert all(row.name.startswith(f"cos-{row.code}-") for row in rows)
    assert all(len(row.data_centers) == 1 + row.geo_replicated for row in rows)
    assert {row.geo_replicated for row in rows} == {True, False}
    assert "ET2" in {data_center for row in rows for data_center in row.data_centers}


async def test_highly_available_clusters_are_in_two_data_centers_of_one_region(demo: Demo) -> None:
    rows = await demo.rows(
        "SELECT d.high_availability, count(DISTINCT p.data_center_code) AS data_centers,"
        " count(DISTINCT p.region_code) AS regions FROM kubernetes_cluster d"
        " JOIN resource_placement p ON p.resource_id = d.resource_id GROUP BY d.resource_id, d.high_availability"
    )
    assert {(row.high_availability, row.data_centers, row.regions) for row in rows} == {(True, 2, 1), (False, 1, 1)}


async def test_no_address_is_given_twice_and_each_lies_in_its_network(demo: Demo) -> None:
    addresses = await demo.rows("SELECT unnest(ip_addresses) AS address FROM resource")
    assert len({row.address for row in addresses}) == len(addresses) > RESOURCES * 0.9
    outside = "resource r JOIN network n ON n.id = r.network_id WHERE NOT r.ip_addresses[1] << n.cidr::inet"
    assert await demo.count(outside) == 0


async def test_identifiers_are_uuid_7_and_grow_with_what_was_created(demo: Demo) -> None:
    rows = await demo.rows(
        "SELECT id, created_at FROM resource UNION ALL SELECT id, created_at FROM service"
        " UNION ALL SELECT id, created_at FROM snapshot UNION ALL SELECT id, submitted_at FROM operation"
        " UNION ALL SELECT id, created_at FROM account"
    )
    for row in rows:
        made = UUID(str(row.id))
        assert (made.version, made.variant) == (7, "specified in RFC 4122")
        assert datetime.fromtimestamp((made.int >> 80) / 1000, UTC) == row.created_at


async def test_everything_that_happened_happened_before_the_demos_now(demo: Demo) -> None:
    for table in ("organization", "service", "resource", "snapshot", "indicator", "dns_alias", "object_store_user"):
        assert await demo.count(f"{table} WHERE created_at > :now", now=AS_OF) == 0, table
    assert await demo.count("resource WHERE updated_at > :now", now=AS_OF) == 0
    assert await demo.count("operation WHERE last_updated_at > :now OR completed_at > :now", now=AS_OF) == 0


async def test_maintenance_windows_are_over_running_and_to_come_for_services_and_for_resources(demo: Demo) -> None:
    assert await demo.count("maintenance WHERE ends_at < :now", now=AS_OF) > 0
    assert await demo.count("maintenance WHERE starts_at <= :now AND ends_at > :now", now=AS_OF) > 0
    assert await demo.count("maintenance WHERE starts_at > :now", now=AS_OF) > 0
    assert await demo.count("maintenance_subject WHERE service_id IS NOT NULL") > 0
    assert await demo.count("maintenance_subject WHERE resource_id IS NOT NULL") > 0


async def test_some_snapshots_have_expired_and_some_have_not(demo: Demo) -> None:
    assert await demo.count("snapshot WHERE expires_at < :now", now=AS_OF) > 0
    assert await demo.count("snapshot WHERE expires_at >= :now OR expires_at IS NULL", now=AS_OF) > 0


async def test_aliases_are_in_domains_of_their_organization(demo: Demo) -> None:
    stray = "dns_alias a JOIN domain d ON d.id = a.domain_id WHERE NOT a.fqdn LIKE '%.' || d.fqdn"
    assert await demo.count(stray) == 0


async def test_no_namespace_is_one_of_the_systems(demo: Demo) -> None:
    assert await demo.count("namespace WHERE name LIKE 'kube-%' OR name = 'default'") == 0


async def test_operations_are_of_the_matrix_and_their_steps_agree_with_how_they_stand(demo: Demo) -> None:
    with MATRIX.open(newline="") as lines:
        labels = {row["label"].replace("-", "_").upper() for row in csv.DictReader(lines)}
    actions = {row.action for row in await demo.rows("SELECT DISTINCT action FROM operation")}
    assert len(actions) > 20
    assert actions <= labels
    statuses = {row.status for row in await demo.rows("SELECT DISTINCT status FROM operation")}
    assert statuses == {"IN_PROGRESS", "SUCCESS", "ERROR", "CANCELLED"}
    rows = await demo.rows(
        "SELECT o.status, o.progress, o.completed_at, array_agg(s.status ORDER BY s.position) AS steps FROM operation o"
        " JOIN operation_step s ON s.operation_id = o.id GROUP BY o.organization_id, o.id"
    )
    assert len(rows) == demo.summary.rows["operation"]
    for row in rows:
        assert row.steps[-1] == row.status
        assert row.steps.count("SUCCESS") * 25 == row.progress
        assert (row.completed_at is None) == (row.status == "IN_PROGRESS")


async def test_the_deletion_of_an_instance_outlives_it(demo: Demo) -> None:
    rows = await demo.rows(
        "SELECT o.resource_name, r.id FROM operation o LEFT JOIN resource r ON r.id = o.resource_id"
        " WHERE o.action = 'DELETE_INSTANCE'"
    )
    assert {(row.resource_name, row.id) for row in rows} == {("old-01", None)}


async def test_a_resource_in_preparation_has_an_operation_that_is_under_way(demo: Demo) -> None:
    alone = (
        "resource r WHERE r.status = 'PREPARATION' AND r.type IN ('INSTANCE', 'LOAD_BALANCER') AND NOT EXISTS"
        " (SELECT FROM operation o WHERE o.resource_id = r.id AND o.status = 'IN_PROGRESS')"
    )
    assert await demo.count(alone) == 0
    assert await demo.count("resource WHERE status = 'PREPARATION'") > 0


async def test_values_hold_what_breaks_careless_clients(demo: Demo) -> None:
    rows = await demo.rows("SELECT tags, comment FROM resource")
    everything = json.dumps([[row.tags, row.comment] for row in rows], ensure_ascii=False)
    for piece in ('\\"', "\\n", ",", ";", "é", "ü", "漢字", "🚀", "=SUM(", "<b>"):
        assert piece in everything, piece
    untagged = sum(not row.tags for row in rows)
    assert 0 < untagged < RESOURCES * 0.2
    names = {row.name for row in await demo.rows("SELECT name FROM service")}
    assert not all(name.isascii() for name in names)


async def test_every_account_holds_what_its_description_says(demo: Demo) -> None:
    rows = await demo.rows(
        "SELECT a.id, a.email, a.kind, a.is_platform, o.code AS organization, m.is_security_representative AS rep,"
        " (SELECT array_agg(c.code || ' ' || h.profile ORDER BY 1) FROM membership h JOIN cloud c ON c.id = h.cloud_id"
        "  WHERE h.account_id = a.id) AS held FROM account a LEFT JOIN organization o ON o.id = a.organization_id"
        " LEFT JOIN organization_member m ON m.account_id = a.id"
    )
    found = {row.email.partition("@")[0]: row for row in rows}
    held = {name: tuple(row.held or ()) for name, row in found.items()}
    assert held == {
        "std": ("alpha STD",),
        "dtm": ("alpha DTM",),
        "ope": ("alpha OPE",),
        "pow": ("alpha POW",),
        "nofactor": ("alpha POW",),
        "dev": ("alpha STD", "dev POW"),
        "other": ("omega POW",),
        "rep": (),
        "bi": (),
        "platform": (),
    }
    assert {name for name, row in found.items() if row.rep} == {"rep"}
    assert {name for name, row in found.items() if row.is_platform} == {"platform"}
    assert {name for name, row in found.items() if row.kind == "API_ACCOUNT"} == {"bi"}
    assert {name for name, row in found.items() if row.organization != "acme"} == {"other", "platform"}
    assert {row.email: row.id for row in rows} == {account.email: account_id(account.email) for account in ACCOUNTS}


async def test_a_password_is_added_once_to_people_and_to_no_program(demo: Demo, database: DatabaseUrls) -> None:
    engine = create_async_engine(database.owner, poolclass=NullPool)
    people = {account.email for account in ACCOUNTS if account.kind is AccountKind.PERSON}

    async def hash_of(password: str) -> str:
        return f"hash of {password}"

    async with engine.connect() as connection:
        now = datetime(2026, 3, 2, tzinfo=UTC)
        assert await add_passwords(connection, hash_of, now) == len(people)
        assert await add_passwords(connection, hash_of, now) == 0
        statement = text("SELECT a.email, p.hash FROM password p JOIN account a ON a.id = p.account_id")
        held = {row.email: row.hash for row in await connection.execute(statement)}
    await engine.dispose()
    assert held == dict.fromkeys(people, f"hash of {DEMO_PASSWORD}")


async def test_factors_are_added_once_to_those_who_should_have_one(demo: Demo, database: DatabaseUrls) -> None:
    seal, now = SecretSeal([bytes(32)]), datetime(2026, 3, 2, tzinfo=UTC)
    engine = create_async_engine(database.owner, poolclass=NullPool)
    expected = {account.email for account in ACCOUNTS if account.has_factor}
    async with engine.connect() as connection:
        assert await add_factors(connection, seal, now) == len(expected)
        assert await add_factors(connection, seal, now) == 0
        held = await demo_secrets(connection, seal)
        assert held.keys() == expected
        assert {len(factor.secret) for factor in held.values()} == {20}
        with pytest.raises(FactorUnreadable, match="--reset"):
            await demo_secrets(connection, SecretSeal([bytes(range(32))]))
    await engine.dispose()


@pytest.mark.parametrize(("used", "given"), [(None, 0), (-1, 0), (0, 1), (1, None), (5, None)])
def test_the_next_code_is_one_that_was_not_used(used: int | None, given: int | None) -> None:
    now = datetime(2026, 3, 2, 9, 0, 10, tzinfo=UTC)
    step = step_at(now)
    code, seconds = next_code(DemoFactor(bytes(20), None if used is None else step + used), now)
    assert code == (None if given is None else code_at(bytes(20), step + given))
    assert seconds == (20 + 30 * (used or 0) - 30 if given is None else 50 + 30 * given)


async def test_a_new_organization_has_one_default_cloud(demo: Demo) -> None:
    rows = await demo.rows("SELECT count(*) FILTER (WHERE is_default) AS defaults FROM cloud GROUP BY organization_id")
    assert [row.defaults for row in rows] == [1, 1, 1]


async def test_a_database_that_is_not_empty_is_left_as_it_is(demo: Demo, database: DatabaseUrls) -> None:
    assert not await is_empty(demo.connection)
    with pytest.raises(DatabaseNotEmpty):
        await load_demo(database.owner, resources=10)
    assert await demo.count("resource") == RESOURCES


@pytest.mark.parametrize("resources", [0, -1, MOST_RESOURCES + 1])
async def test_a_number_out_of_range_is_refused_with_the_range(database: DatabaseUrls, resources: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 5,000,000"):
        await load_demo(database.owner, resources=resources)


async def test_of_two_demos_at_once_one_is_made(make_database: Callable[[], DatabaseUrls]) -> None:
    urls = make_database()
    outcomes = await asyncio.gather(*(load_demo(urls.owner, resources=50) for _ in range(2)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["DatabaseNotEmpty", "DemoSummary"]


async def test_a_demo_that_is_interrupted_leaves_nothing(make_database: Callable[[], DatabaseUrls]) -> None:
    def interrupt(written: int, total: int) -> None:
        raise KeyboardInterrupt

    urls = make_database()
    with pytest.raises(KeyboardInterrupt):
        await load_demo(urls.owner, resources=50, progress=interrupt)
    engine = create_async_engine(urls.owner, poolclass=NullPool)
    async with engine.connect() as connection:
        assert await is_empty(connection)
    await engine.dispose()
