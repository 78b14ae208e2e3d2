"""Row-level security, the second line of defence: what PostgreSQL itself lets the app's role see and write.

That it shows the same as the filters, alone, is tried by `test_scope.py`, with either of the two switched off.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import Executable, func, insert, literal, select, update
from sqlmodel import SQLModel

from auth.accounts import find_account
from auth.principal import CALLER, Principals, set_scope
from auth.statements import Statement
from auth.tables import Account, Cloud, Factor, Membership, Organization, OrganizationMember, Profile, table
from gateway.postgres import DatabaseUrls
from resolvers.administration.accounts import find_account_in
from resolvers.database import Database
from resolvers.snapshot import open_snapshot
from resolvers.tables import (
    AdministrativeChange,
    Area,
    Domain,
    Network,
    ProfileProposal,
    Resource,
    ResourcePlacement,
    ResourceTag,
    Service,
)
from resolvers.trace import Trace
from resolvers.transaction import open_transaction
from tests.databases import Databases
from tests.resolvers.holding import holding
from tests.schema.documents import Documents
from tests.schema.graph import Graph
from tests.schema.lines import BOTH, FILTERS, POLICIES, only
from tests.schema.making import make_world
from tests.schema.tenants import graph_over
from tests.schema.test_canary import CALLERS, SCHEMA, texts
from tests.schema.words import words_in
from tests.schema.world import (
    ALPHA,
    API,
    CANARY,
    DISABLED,
    NOBODY,
    PLATFORM,
    REPRESENTATIVE,
    TABLES,
    VAULT,
    WIDE,
    World,
    load_world,
)

RESOURCE, SERVICE = table(Resource), table(Service)
EVERYBODY = (WIDE, ALPHA, API, VAULT, REPRESENTATIVE, PLATFORM, NOBODY, DISABLED)
IN_CLOUDS = tuple(model for model in TABLES if "cloud_id" in table(model).c and model is not Membership)
DERIVED = (ResourceTag, ResourcePlacement)
DIVISION = Statement(select(literal(1) / literal(0)))

UNPROTECTED = """
SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
AND (c.relname IN ('organization', 'account') OR EXISTS (
  SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
  AND a.attname IN ('organization_id', 'cloud_id', 'account_id')
))
AND NOT (
  c.relrowsecurity AND c.relforcerowsecurity
  AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname <> 'owner')
)
"""


@pytest.fixture(scope="module")
def tenants() -> World:
    return make_world()


@pytest.fixture(scope="module")
async def urls(tenants: World, make_database: Callable[[], DatabaseUrls]) -> DatabaseUrls:
    urls = make_database()
    await load_world(urls, tenants)
    return urls


@pytest.fixture
async def base(urls: DatabaseUrls) -> AsyncIterator[Database]:
    """The database with one connection, so that what one use leaves behind is the next one's."""
    base = Database(urls.app, pool_size=1, statement_seconds=20)
    yield base
    await base.close()


def all_of(model: type[SQLModel]) -> Statement:
    return Statement(select(table(model)))


async def seen_by(base: Database, account: UUID | None, model: type[SQLModel]) -> list[Any]:
    """Read a whole table by a statement that has no condition."""
    async with open_snapshot(base, Trace()) as snapshot:
        if account is not None:
            await set_scope(snapshot.fetch, account)
        return list(await snapshot.fetch(all_of(model)))


# Reading


def test_every_table_of_tenants_is_protected(urls: DatabaseUrls, databases: Databases) -> None:
    assert databases.run(UNPROTECTED, urls) == "", "give them policies in a migration: see docs/architecture.md"


def test_a_new_table_of_tenants_without_policies_is_found(databases: Databases) -> None:
    urls = databases.make()
    databases.run("CREATE TABLE forgotten (organization_id uuid)", urls)
    databases.run("CREATE TABLE half (cloud_id uuid); ALTER TABLE half ENABLE ROW LEVEL SECURITY", urls)
    assert databases.run(UNPROTECTED, urls) == "forgotten half"
    databases.drop(urls)


@pytest.mark.parametrize("model", [*TABLES, *DERIVED, Factor])
async def test_without_a_scope_nothing_is_seen(base: Database, model: type[SQLModel]) -> None:
    assert await seen_by(base, None, model) == []


@pytest.mark.parametrize("email", EVERYBODY)
@pytest.mark.parametrize("model", [*IN_CLOUDS, *DERIVED])
async def test_of_a_table_in_clouds_a_caller_sees_the_rows_of_theirs(
    base: Database, tenants: World, model: type[SQLModel], email: str
) -> None:
    rows = await seen_by(base, tenants.account(email).id, model)
    clouds = tenants.open_clouds(email)
    assert {row["cloud_id"] for row in rows} <= clouds
    if model in IN_CLOUDS:
        assert len(rows) == len(tenants.seen(model, email))
    else:
        assert bool(rows) == bool(clouds)


@pytest.mark.parametrize("email", EVERYBODY)
async def test_names_are_seen_by_whom_the_graph_names_them_to(base: Database, tenants: World, email: str) -> None:
    account = tenants.account(email)
    named = {row.organization_id for row in tenants.all(OrganizationMember) if row.account_id == account.id}
    clouds = tenants.open_clouds(email)
    if email == REPRESENTATIVE:
        clouds = clouds | {cloud.id for cloud in tenants.all(Cloud) if cloud.organization_id in named}
    organizations = named | {tenants.clouds[cloud].organization_id for cloud in clouds}
    if email == PLATFORM:
        clouds = {cloud.id for cloud in tenants.all(Cloud)}
        organizations = {organization.id for organization in tenants.all(Organization)}
    if email == DISABLED:
        organizations = set()
    assert {row["id"] for row in await seen_by(base, account.id, Cloud)} == clouds
    assert {row["id"] for row in await seen_by(base, account.id, Organization)} == organizations


@pytest.mark.parametrize("email", EVERYBODY)
async def test_what_an_organization_shares_is_seen_by_who_sees_into_one_of_its_clouds(
    base: Database, tenants: World, email: str
) -> None:
    own = {tenants.clouds[cloud].organization_id for cloud in tenants.open_clouds(email)}
    for model in (Area, Network, Domain):
        expected = {row.id for row in tenants.all(model) if row.organization_id in own}
        assert {row["id"] for row in await seen_by(base, tenants.account(email).id, model)} == expected


@pytest.mark.parametrize("email", [WIDE, API, REPRESENTATIVE, PLATFORM])
async def test_of_accounts_and_memberships_a_caller_sees_their_own_and_those_of_whom_they_represent(
    base: Database, tenants: World, email: str
) -> None:
    account = tenants.account(email).id
    administered = {tenants.organization("acme").id} if email == REPRESENTATIVE else set()
    if email == PLATFORM:
        administered = {organization.id for organization in tenants.all(Organization)}
    accounts = {account} | {row.id for row in tenants.all(Account) if row.organization_id in administered}
    for model in (Membership, OrganizationMember):
        seen: list[Any] = [
            row
            for row in tenants.all(model)
            if row.account_id == account or row.organization_id in administered  # type: ignore[attr-defined]
        ]
        assert len(await seen_by(base, account, model)) == len(seen)
        accounts |= {row.account_id for row in seen}
    if email == PLATFORM:
        accounts = {row.id for row in tenants.all(Account)}
    assert {row["id"] for row in await seen_by(base, account, Account)} == accounts


async def test_an_account_is_found_by_its_address_before_there_is_a_scope(base: Database, tenants: World) -> None:
    async with open_snapshot(base, Trace()) as snapshot:
        assert await find_account(snapshot.fetch, WIDE.upper()) == tenants.account(WIDE).id
        assert await find_account(snapshot.fetch, DISABLED) is None
        assert await find_account(snapshot.fetch, "' OR true --") is None


def test_nobody_but_the_app_may_call_what_runs_with_the_rights_of_the_owner(
    urls: DatabaseUrls, databases: Databases
) -> None:
    databases.run("CREATE ROLE stranger")
    callable_by = (
        "SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc WHERE prosecdef"
        " AND pronamespace = 'public'::regnamespace AND has_function_privilege('{}', oid, 'EXECUTE')"
    )
    assert databases.run(callable_by.format("stranger"), urls) == ""
    assert databases.run(callable_by.format("itcare_app"), urls).split() == [
        "account_in",
        "account_of_factor",
        "account_of_identity",
        "account_of_secret",
        "account_states",
        "active_account",
        "append_events",
        "approve_factor",
        "delay_factor",
        "delegated_domain",
        "disable_account",
        "enable_account",
        "end_foreign_sessions",
        "enter_operation",
        "enter_scope",
        "event_heads",
        "has_signed_in",
        "lost_operations",
        "prune_events",
        "pruned_events",
        "reset_factors",
    ]
    databases.run("DROP ROLE stranger")


@pytest.fixture(scope="module", params=[BOTH, FILTERS, POLICIES])
async def defended(request: pytest.FixtureRequest, tenants: World, databases: Databases) -> AsyncIterator[Graph]:
    """The graph, and again with each of the two lines of defence alone."""
    urls = databases.make()
    with only(request.param, databases, urls):
        async with graph_over(urls, tenants) as graph:
            yield graph


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(4, 60))])
async def test_behind_either_line_no_generated_query_shows_a_foreign_organization(defended: Graph, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - it is to be repeated
    documents = Documents(SCHEMA, random, await words_in(defended))
    hidden = {row.id.hex for row in defended.world.all(Resource) if row.name.startswith(CANARY)}
    for _ in range(10):
        document = documents.document()
        for text in texts((await defended.ask(random.choice(CALLERS), document)).data):
            assert CANARY not in text, document
            assert text.partition("_")[2] not in hidden, document


async def test_without_both_lines_everything_is_seen(tenants: World, databases: Databases) -> None:
    urls = databases.make()
    with only(FILTERS, databases, urls), only(POLICIES, databases, urls):
        async with graph_over(urls, tenants) as graph:
            answer = await graph.ask(NOBODY, "{ resources { totalCount } services { totalCount } }")
    assert answer.whole["resources"]["totalCount"] == len(tenants.all(Resource))
    assert answer.whole["services"]["totalCount"] == len(tenants.all(Service))
    databases.drop(urls)


# The scope


async def test_the_scope_is_what_the_database_says_and_not_what_was_set_before(base: Database, tenants: World) -> None:
    async with open_snapshot(base, Trace()) as snapshot:
        everything = ",".join(str(cloud) for cloud in tenants.clouds)
        await snapshot.fetch(Statement(select(func.set_config("itcare.open_clouds", everything, True))))
        await set_scope(snapshot.fetch, tenants.account(ALPHA).id)
        assert {row["cloud_id"] for row in await snapshot.fetch(all_of(Resource))} == tenants.open_clouds(ALPHA)
        assert await set_scope(snapshot.fetch, uuid4()) == []
        assert await snapshot.fetch(all_of(Resource)) == []


@pytest.mark.parametrize("email", [WIDE, ALPHA, API, VAULT, REPRESENTATIVE, PLATFORM, NOBODY])
async def test_the_settings_are_the_scope_of_the_principal(base: Database, tenants: World, email: str) -> None:
    account = tenants.account(email).id
    names = ("organizations", "clouds", "open_organizations", "open_clouds", "represented", "all_names", "account")
    settings = Statement(select(*[func.current_setting(f"itcare.{name}", True).label(name) for name in names]))
    async with open_snapshot(base, Trace()) as snapshot:
        scope = Principals().of(account, await set_scope(snapshot.fetch, account)).scope
        (written,) = await snapshot.fetch(settings)
    held = (
        *(scope.organizations, scope.clouds, scope.resource_organizations, scope.resource_clouds),
        scope.represented,
    )
    for name, keys_held in zip(names, held, strict=False):
        assert {*filter(None, written[name].split(","))} == {str(key) for key in keys_held}
    assert (written["all_names"], written["account"]) == ("on" if scope.all_names else "", str(account))


async def everything_is_hidden(base: Database) -> bool:
    return await seen_by(base, None, Resource) == await seen_by(base, None, Account) == []


async def test_the_scope_ends_with_its_operation(base: Database, tenants: World) -> None:
    account = tenants.account(WIDE).id
    assert await seen_by(base, account, Resource) != []
    assert await everything_is_hidden(base)
    async with open_transaction(base) as transaction:
        await set_scope(transaction.fetch, account)
        assert await transaction.fetch(all_of(Resource)) != []
    assert await everything_is_hidden(base)
    async with open_transaction(base) as transaction:
        assert await transaction.fetch(all_of(Resource)) == []


@pytest.mark.parametrize("opened", [lambda base: open_snapshot(base, Trace()), open_transaction])
async def test_the_scope_ends_with_what_fails(base: Database, tenants: World, opened: Any) -> None:
    async def fail() -> None:
        async with opened(base) as statements:
            await set_scope(statements.fetch, tenants.account(WIDE).id)
            await statements.fetch(DIVISION)

    with pytest.raises(asyncpg.DivisionByZeroError):
        await fail()
    assert await everything_is_hidden(base)


@pytest.mark.parametrize("opened", [lambda base: open_snapshot(base, Trace()), open_transaction])
async def test_the_scope_ends_with_what_is_cancelled(
    base: Database, urls: DatabaseUrls, tenants: World, opened: Any
) -> None:
    async def read() -> None:
        async with opened(base) as statements:
            await set_scope(statements.fetch, tenants.account(WIDE).id)
            await statements.fetch(all_of(Service))

    async with holding(urls, "service") as hold:
        reading = asyncio.create_task(read())
        await hold.has_waiting()
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        assert reading.cancelled()
    assert await everything_is_hidden(base)


# Writing


class Undone(Exception):
    """What was written was let through, and is taken back."""


async def write(base: Database, account: UUID, change: Executable, *, undone: bool = False) -> None:
    async with open_transaction(base) as transaction:
        await set_scope(transaction.fetch, account)
        await transaction.fetch(Statement(change))
        if undone:
            raise Undone


async def is_refused(base: Database, account: UUID, change: Executable) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await write(base, account, change)


def foreign(tenants: World, model: type[SQLModel]) -> Iterator[dict[str, Any]]:
    """Give the values of a row of each Cloud that `alpha@` does not see into."""
    clouds = set(tenants.clouds) - tenants.open_clouds(ALPHA)
    for cloud in sorted(clouds):
        row: Any = next((row for row in tenants.all(model) if row.cloud_id == cloud), None)  # type: ignore[attr-defined]
        if row is not None:
            yield row.model_dump()


@pytest.mark.parametrize("model", IN_CLOUDS)
async def test_nothing_is_written_into_another_cloud(base: Database, tenants: World, model: type[SQLModel]) -> None:
    rows = list(foreign(tenants, model))
    assert rows
    for values in rows:
        await is_refused(base, tenants.account(ALPHA).id, insert(table(model)).values(values))


@pytest.mark.parametrize("model", IN_CLOUDS)
async def test_nothing_is_moved_into_another_cloud_and_nothing_there_is_changed(
    base: Database, tenants: World, model: type[SQLModel]
) -> None:
    of = table(model)
    (values, *_) = foreign(tenants, model)
    async with open_transaction(base) as transaction:
        await set_scope(transaction.fetch, tenants.account(ALPHA).id)
        there = of.c.cloud_id == values["cloud_id"]
        cloud = of.c.cloud_id
        assert await transaction.fetch(Statement(update(of).where(there).values(cloud_id=cloud).returning(cloud))) == []
        assert await transaction.fetch(Statement(of.delete().where(there).returning(cloud))) == []
    await is_refused(base, tenants.account(ALPHA).id, update(of).values(cloud_id=values["cloud_id"]))


@pytest.mark.parametrize("model", [Organization, Cloud, Account, OrganizationMember, Membership, Area, Network, Domain])
async def test_what_is_not_for_others_to_write_cannot_be_written_but_can_be_locked(
    base: Database, tenants: World, model: type[SQLModel]
) -> None:
    of = table(model)
    account = tenants.account(WIDE).id
    seen = await seen_by(base, account, model)
    assert seen
    async with open_transaction(base) as transaction:
        await set_scope(transaction.fetch, account)
        assert len(await transaction.fetch(Statement(select(of).with_for_update(read=True)))) == len(seen)
        assert await transaction.fetch(Statement(of.delete().returning(*of.primary_key))) == []
    column = next(iter(of.primary_key))
    for change in (insert(of).values(dict(seen[0])), update(of).values({column: column})):
        await is_refused(base, account, change)


# What the platform and security representatives write


def proposal(tenants: World, by: str, *, account: str = WIDE, given_by: str | None = None, **more: Any) -> Executable:
    """The statement that writes a proposal of DTM for somebody in the Cloud alpha."""
    cloud = tenants.cloud("alpha")
    row = ProfileProposal(
        organization_id=cloud.organization_id,
        cloud_id=cloud.id,
        account_id=tenants.account(account).id,
        account=account,
        profile=more.pop("profile", Profile.OPE),
        proposed_by_id=tenants.account(by).id,
        proposed_by=by,
    )
    if given_by is not None:
        given = {"given_by_id": tenants.account(given_by).id, "given_by": given_by, "given_at": row.proposed_at}
        row = row.model_copy(update=given)
    return insert(table(ProfileProposal)).values({**row.model_dump(), **more})


def membership(tenants: World, *, account: str = WIDE, profile: Profile = Profile.OPE, **more: Any) -> Executable:
    cloud = tenants.cloud("alpha")
    row = Membership(
        organization_id=cloud.organization_id,
        cloud_id=cloud.id,
        account_id=tenants.account(account).id,
        profile=profile,
    )
    return insert(table(Membership)).values({**row.model_dump(), **more})


@pytest.mark.parametrize("email", [WIDE, ALPHA, API, VAULT, REPRESENTATIVE, NOBODY, DISABLED])
async def test_only_the_platform_makes_organizations_and_clouds(base: Database, tenants: World, email: str) -> None:
    made = Organization(code="made", name="Made")
    cloud = Cloud(organization_id=tenants.organization("acme").id, code="made", name="Made")
    for row in (made, cloud):
        statement = insert(table(type(row))).values(row.model_dump())
        await is_refused(base, tenants.account(email).id, statement)
        with pytest.raises(Undone):
            await write(base, tenants.account(PLATFORM).id, statement, undone=True)


async def test_a_profile_is_written_only_by_who_gave_it_and_never_to_oneself(base: Database, tenants: World) -> None:
    representative, platform = tenants.account(REPRESENTATIVE).id, tenants.account(PLATFORM).id
    for account in (representative, platform, tenants.account(WIDE).id, tenants.account(VAULT).id):
        await is_refused(base, account, membership(tenants))
    given = proposal(tenants, REPRESENTATIVE, given_by=REPRESENTATIVE, profile=Profile.STD, account=NOBODY)
    async with open_transaction(base) as transaction:
        await set_scope(transaction.fetch, representative)
        await transaction.fetch(Statement(given))
        await transaction.fetch(Statement(membership(tenants, account=NOBODY, profile=Profile.STD)))
    assert await seen_by(base, tenants.account(NOBODY).id, Membership) != []
    # What was given is no leave to give more, and for nobody else to give it again.
    await is_refused(base, representative, membership(tenants, account=NOBODY))
    for statement in (
        proposal(tenants, REPRESENTATIVE, given_by=REPRESENTATIVE),
        proposal(tenants, REPRESENTATIVE, account=REPRESENTATIVE),
        proposal(tenants, PLATFORM),
    ):
        await is_refused(base, representative, statement)
    for email in (PLATFORM, WIDE, VAULT):
        await is_refused(base, tenants.account(email).id, proposal(tenants, email, account=ALPHA))


async def test_who_proposed_a_profile_cannot_give_it_but_a_second_person_can(base: Database, tenants: World) -> None:
    representative, platform = tenants.account(REPRESENTATIVE), tenants.account(PLATFORM)
    await write(base, representative.id, proposal(tenants, REPRESENTATIVE, account=VAULT))
    of = table(ProfileProposal)
    open_ones = update(of).where(of.c.account_id == tenants.account(VAULT).id)

    def give(by: Account) -> Executable:
        return open_ones.values(given_by_id=by.id, given_by=by.email, given_at=func.now())

    with pytest.raises(asyncpg.CheckViolationError, match="second_person"):
        await write(base, representative.id, give(representative))
    await is_refused(base, platform.id, give(representative))
    await write(base, tenants.account(WIDE).id, give(tenants.account(WIDE)))
    await write(base, platform.id, give(platform))
    found = await seen_by(base, representative.id, ProfileProposal)
    assert {row["given_by"] for row in found if row["account"] == VAULT} == {PLATFORM}
    for email in (WIDE, VAULT, NOBODY, API):
        assert await seen_by(base, tenants.account(email).id, ProfileProposal) == []


async def test_only_the_platform_appoints_representatives_and_not_itself(base: Database, tenants: World) -> None:
    of, acme = table(OrganizationMember), tenants.organization("acme").id
    account = tenants.account(WIDE).id
    appointed = update(of).where(of.c.account_id == account).values(is_security_representative=True)
    await is_refused(base, account, appointed)
    row = OrganizationMember(organization_id=acme, account_id=tenants.account(VAULT).id)
    await is_refused(base, tenants.account(REPRESENTATIVE).id, insert(of).values(row.model_dump()))
    own = OrganizationMember(organization_id=acme, account_id=tenants.account(PLATFORM).id)
    await is_refused(base, tenants.account(PLATFORM).id, insert(of).values(own.model_dump()))
    for statement in (appointed, insert(of).values(row.model_dump())):
        with pytest.raises(Undone):
            await write(base, tenants.account(PLATFORM).id, statement, undone=True)


async def test_a_change_is_recorded_by_who_made_it_and_stays(base: Database, tenants: World) -> None:
    of, account = table(AdministrativeChange), tenants.account(ALPHA).id
    row = AdministrativeChange(
        account_id=account, administration="SET_TAGS", organization_id=uuid4(), input_digest=bytes(32)
    )
    await is_refused(base, tenants.account(WIDE).id, insert(of).values(row.model_dump()))
    await write(base, account, insert(of).values(row.model_dump()))
    assert len(await seen_by(base, account, AdministrativeChange)) == 1
    assert await seen_by(base, tenants.account(WIDE).id, AdministrativeChange) == []
    async with open_transaction(base) as transaction:
        await set_scope(transaction.fetch, account)
        for change in (update(of).values(administration="SET_TAGS"), of.delete()):
            assert await transaction.fetch(Statement(change.returning(of.c.id))) == []


@pytest.mark.parametrize("email", [WIDE, ALPHA, API, VAULT, NOBODY])
async def test_accounts_are_found_by_the_platform_and_representatives_alone(
    base: Database, tenants: World, email: str
) -> None:
    acme, globex = tenants.organization("acme").id, tenants.organization("globex").id
    async with open_snapshot(base, Trace()) as snapshot:
        assert await find_account_in(snapshot.fetch, acme, email=WIDE) is None
        await set_scope(snapshot.fetch, tenants.account(email).id)
        assert await find_account_in(snapshot.fetch, acme, email=WIDE) is None
        await set_scope(snapshot.fetch, tenants.account(REPRESENTATIVE).id)
        found = await find_account_in(snapshot.fetch, acme, email=WIDE.upper())
        assert found is not None
        assert found == await find_account_in(snapshot.fetch, acme, account_id=tenants.account(WIDE).id)
        assert await find_account_in(snapshot.fetch, globex, email=WIDE) is None
        assert await find_account_in(snapshot.fetch, acme, email=PLATFORM) is None


async def test_a_resource_of_the_own_cloud_is_written_with_its_tags_and_places(base: Database, tenants: World) -> None:
    resource = tenants.seen(Resource, ALPHA)[0]
    this = RESOURCE.c.id == resource.id
    async with open_transaction(base) as transaction:
        await set_scope(transaction.fetch, tenants.account(ALPHA).id)
        change = update(RESOURCE).where(this).values(tags={"written": "here"}).returning(RESOURCE.c.id)
        assert len(await transaction.fetch(Statement(change))) == 1
        tag = table(ResourceTag)
        found = await transaction.fetch(Statement(select(tag.c.value).where(tag.c.key == "written")))
        assert [row["value"] for row in found] == ["here"]
        await transaction.fetch(Statement(update(RESOURCE).where(this).values(tags=resource.tags)))


async def test_a_factor_is_written_by_whom_it_belongs_to_and_for_nobody_else(base: Database, tenants: World) -> None:
    account, other = tenants.account(ALPHA).id, tenants.account(WIDE).id

    def enrol(of: UUID) -> Executable:
        factor = Factor(account_id=of, kind="TOTP", label="telephone", secret=b"sealed")
        return insert(table(Factor)).values(factor.model_dump())

    await write(base, account, enrol(account))
    assert len(await seen_by(base, account, Factor)) == 1
    assert await seen_by(base, other, Factor) == []
    await is_refused(base, account, enrol(other))


async def test_a_principal_that_is_read_where_commands_write_sets_the_scope(base: Database, tenants: World) -> None:
    account = tenants.account(WIDE).id
    async with open_transaction(base) as transaction:
        rows = await transaction.fetch(Statement(CALLER), {"account_id": account})
        principal = Principals().of(account, rows)
        assert Profile.POW in principal.clouds_by_id[tenants.cloud("beta").id].profiles
        assert {row["cloud_id"] for row in await transaction.fetch(all_of(Service))} == tenants.open_clouds(WIDE)
