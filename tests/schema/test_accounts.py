"""Who sees which accounts, and what of them: representatives theirs, the platform all, everybody else none."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from auth.identity.tables import ClientCredential, Link, LinkPurpose, Password, Session
from auth.mfa.tables import RecoveryCode
from auth.principal import set_scope
from auth.statements import Statement
from auth.tables import Account, Factor, Membership, OrganizationMember, table
from resolvers.snapshot import open_snapshot
from resolvers.trace import Trace
from resolvers.transaction import open_transaction
from schema.ids import global_id
from tests.databases import Databases
from tests.schema.graph import Graph
from tests.schema.lines import LINES, POLICIES, only
from tests.schema.making import make_world
from tests.schema.statements import executed
from tests.schema.tenants import graph_over
from tests.schema.world import ALPHA, API, DISABLED, NOBODY, PLATFORM, REPRESENTATIVE, VAULT, WIDE, World

APPROVE = "approve_factor(CAST(:organization AS uuid), CAST(:target AS uuid), 'PHONE', now())"
CALLERS = (WIDE, ALPHA, API, VAULT, NOBODY, REPRESENTATIVE, PLATFORM)
MORE = """
INSERT INTO account (id, kind, email, is_platform, created_at)
  SELECT gen_random_uuid(), 'PERSON', 'z' || to_char(n, 'FM000') || '@' || o.code || '.example', false, now()
  FROM generate_series(1, 110) n, organization o WHERE o.code IN ('acme', 'globex');
INSERT INTO organization_member (organization_id, account_id, is_security_representative, created_at)
  SELECT o.id, a.id, false, now() FROM account a JOIN organization o ON a.email LIKE 'z%@' || o.code || '.example';
INSERT INTO membership (organization_id, cloud_id, account_id, profile, created_at)
  SELECT c.organization_id, c.id, m.account_id, p, now() FROM organization_member m
  JOIN cloud c ON c.organization_id = m.organization_id CROSS JOIN unnest(ARRAY['STD', 'OPE']) p
  ON CONFLICT DO NOTHING;
INSERT INTO factor (id, account_id, kind, label, secret, confirmed_at, usable_from, created_at)
  SELECT gen_random_uuid(), id, k, '+33 6 12 34 56 78', 'sealed', now(), now() + interval '1 day', now()
  FROM account, unnest(ARRAY['TOTP', 'PHONE']) k WHERE kind = 'PERSON';
INSERT INTO session (id, account_id, kind, digest, amr, auth_time, created_at, last_used_at, expires_at)
  SELECT gen_random_uuid(), id, 'BROWSER', sha256(email::bytea), '{pwd}', now(), now(), now(), now() + interval '1 hour'
  FROM account WHERE email LIKE 'z00%';
INSERT INTO client_credential (organization_id, id, account_id, kind, label, digest, created_by, created_at)
  SELECT organization_id, gen_random_uuid(), id, 'SECRET', 'first', sha256('x'), 'somebody', now()
  FROM account WHERE kind = 'API_ACCOUNT';
INSERT INTO account_request
  (organization_id, id, kind, email, reason, requested_by_id, requested_by, requested_at, decided_by_id, decided_by,
   decided_at, account_id)
  SELECT o.id, gen_random_uuid(), 'PERSON', 'r' || n || '@new.example', o.code, a.id, a.email,
    now() - n * interval '1 s',
    CASE WHEN n > 3 THEN p.id END, CASE WHEN n > 3 THEN p.email END, CASE WHEN n > 3 THEN now() END,
    CASE WHEN n > 6 THEN p.id END
  FROM generate_series(1, 9) n, organization o, account a, account p
  WHERE o.code IN ('acme', 'globex') AND a.email = :representative AND p.email = :platform
"""
EVERYTHING = """{ organizations { nodes { code accounts(first: 100) { totalCount nodes {
    id email kind status isSecurityRepresentative represents { code } lastSignInAt
    memberships { nodes { cloud { code } profiles } }
    factors { kind confirmedAt usableFrom }
    identities { issuer subject createdAt }
    credentials { nodes { kind label createdBy { name } createdAt expiresAt lastUsedAt revokedAt } }
} } } } }"""


async def add_more(owner: str) -> None:
    """Add accounts, and what is known of them, as the owner."""
    async with create_async_engine(owner, poolclass=NullPool).begin() as connection:
        values = {"representative": REPRESENTATIVE, "platform": PLATFORM}
        for statement in MORE.split(";\n"):
            used = {name: value for name, value in values.items() if f":{name}" in statement}
            await connection.execute(text(statement), used)


@pytest.fixture(scope="module")
def tenants() -> World:
    return make_world()


@pytest.fixture(scope="module", params=LINES)
async def seen(
    request: pytest.FixtureRequest, tenants: World, databases: Databases
) -> AsyncIterator[tuple[str, Graph]]:
    """The graph, and again with each of the two lines of defence alone."""
    urls = databases.make()
    with only(request.param, databases, urls):
        async with graph_over(urls, tenants) as graph:
            await add_more(urls.owner)
            yield request.param, graph
    databases.drop(urls)


@pytest.fixture(scope="module")
async def graph(tenants: World, databases: Databases) -> AsyncIterator[Graph]:
    urls = databases.make()
    async with graph_over(urls, tenants) as graph:
        await add_more(urls.owner)
        yield graph
    databases.drop(urls)


def accounts_of(world: World, code: str) -> set[str]:
    """The addresses of the accounts of an organization."""
    organization = world.organization(code).id
    keys = {row.account_id for row in world.all(Membership) if row.organization_id == organization}
    keys |= {row.account_id for row in world.all(OrganizationMember) if row.organization_id == organization}
    keys |= {row.id for row in world.all(Account) if row.organization_id == organization}
    more = {f"z{n:03}@{code}.example" for n in range(1, 111)} if code in ("acme", "globex") else set()
    return {row.email for row in world.all(Account) if row.id in keys} | more


async def listed(graph: Graph, email: str) -> dict[str, set[str]]:
    """The addresses of the accounts of each organization that a caller is shown."""
    found: dict[str, set[str]] = {}
    after = None
    named = (await graph.ask(email, "{ organizations { nodes { code } } }")).whole["organizations"]["nodes"]
    for code in [row["code"] for row in named]:
        id_ = global_id("Organization", graph.world.organization(code).id)
        found[code], after = set(), None
        while True:
            document = (
                "query ($id: ID!, $after: String) { organization(id: $id) { accounts(first: 100, after: $after) {"
                " totalCount nodes { email } pageInfo { hasNextPage endCursor } } } }"
            )
            page = (await graph.ask(email, document, {"id": id_, "after": after})).whole["organization"]["accounts"]
            found[code] |= {node["email"] for node in page["nodes"]}
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert page["totalCount"] == len(found[code])
    return found


@pytest.mark.parametrize("email", CALLERS)
async def test_the_accounts_of_an_organization_are_listed_for_who_manages_them(
    seen: tuple[str, Graph], email: str
) -> None:
    line, graph = seen
    for code, found in (await listed(graph, email)).items():
        if email == PLATFORM or (email == REPRESENTATIVE and code == "acme"):
            assert found == accounts_of(graph.world, code)
        else:
            # The policies let each see their own account.
            assert found <= ({email} if line == POLICIES else set())


@pytest.mark.parametrize("email", CALLERS)
async def test_by_its_id_an_account_is_found_by_who_manages_it(seen: tuple[str, Graph], email: str) -> None:
    line, graph = seen
    rows = graph.world.all(Account)
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Account { email } } }"
    answer = await graph.ask(email, document, {"ids": [global_id("Account", row.id) for row in rows]})
    found = {node["email"] for node in answer.whole["nodes"] if node is not None}
    if email == PLATFORM:
        assert found == {row.email for row in rows}
    elif email == REPRESENTATIVE:
        assert found == {row.email for row in rows} & accounts_of(graph.world, "acme")
    else:
        assert found <= ({email} if line == POLICIES else set())


@pytest.mark.parametrize("email", CALLERS)
async def test_requests_are_listed_for_who_may_ask_or_answer(seen: tuple[str, Graph], email: str) -> None:
    _, graph = seen
    document = (
        "query ($status: RequestStatus) { accountRequests(status: $status, first: 100) { totalCount nodes { id email"
        " reason status organization { code } } } }"
    )
    codes = {PLATFORM: ["acme", "globex"], REPRESENTATIVE: ["acme"]}.get(email, [])
    for status, count in (("OPEN", 3), ("REFUSED", 3), ("APPROVED", 3), (None, 9)):
        page = (await graph.ask(email, document, {"status": status})).whole["accountRequests"]
        assert page["totalCount"] == len(page["nodes"]) == count * len(codes)
        assert {node["status"] for node in page["nodes"]} <= ({status} if status else {"OPEN", "REFUSED", "APPROVED"})
        assert {node["organization"]["code"] for node in page["nodes"]} == set(codes)
    everything = (await graph.ask(PLATFORM, document)).whole["accountRequests"]["nodes"]
    by_id = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on AccountRequest { reason } } }"
    found = (await graph.ask(email, by_id, {"ids": [node["id"] for node in everything]})).whole["nodes"]
    assert [node["reason"] for node in found if node] == [n["reason"] for n in everything if n["reason"] in codes]


async def test_of_an_account_is_shown_what_it_holds_and_how_it_stands(graph: Graph) -> None:
    pages = (await graph.ask(REPRESENTATIVE, EVERYTHING)).whole["organizations"]["nodes"]
    found = {node["email"]: node for page in pages for node in page["accounts"]["nodes"]}
    signed_in, invited = found["z001@acme.example"], found["z050@acme.example"]
    assert (signed_in["status"], invited["status"]) == ("ACTIVE", "INVITED")
    assert signed_in["lastSignInAt"] is not None
    assert {factor["kind"] for factor in signed_in["factors"]} == {"TOTP", "PHONE"}
    held = {one["cloud"]["code"]: one["profiles"] for one in invited["memberships"]["nodes"]}
    own = {
        cloud.code
        for cloud in graph.world.clouds.values()
        if cloud.organization_id == graph.world.organization("acme").id
    }
    assert held == {code: ["STD", "OPE"] for code in own}
    assert (found[API]["kind"], found[API]["status"]) == ("API_ACCOUNT", "ACTIVE")
    assert [one["label"] for one in found[API]["credentials"]["nodes"]] == ["first"]
    assert found[REPRESENTATIVE]["isSecurityRepresentative"] is True
    assert found[REPRESENTATIVE]["represents"] == [{"code": "acme"}]
    assert found[WIDE]["isSecurityRepresentative"] is False
    # Of whom is in two organizations, a representative of one is told what is in that one.
    assert {one["cloud"]["code"] for one in found[WIDE]["memberships"]["nodes"]} <= own
    assert "+33" not in str(pages)


@pytest.mark.parametrize("email", [REPRESENTATIVE, PLATFORM])
async def test_a_page_of_100_accounts_with_everything_costs_as_many_statements_as_one_of_10(
    graph: Graph, email: str
) -> None:
    numbers = []
    for first in (10, 100):
        document = EVERYTHING.replace("first: 100", f"first: {first}").replace("totalCount ", "")
        with executed(graph.database) as statements:
            answer = await graph.ask(email, document)
        numbers.append(len(statements))
        sizes = {len(page["accounts"]["nodes"]) for page in answer.whole["organizations"]["nodes"]}
        assert first in sizes
    # Who is asking, organizations, accounts, how they stand, memberships, credentials; for the platform identities,
    # and organizations and Clouds by their ids.
    assert numbers == [6 if email == REPRESENTATIVE else 9] * 2


PAGED = {
    "organization accounts": "organization(id: $id) { list: accounts%s }",
    "organization accountRequests": "organization(id: $id) { list: accountRequests%s }",
    "account memberships": "node(id: $id) { ... on Account { list: memberships%s } }",
    "account credentials": "node(id: $id) { ... on Account { list: credentials%s } }",
    "accountRequests": "organization(id: $id) { id } list: accountRequests%s",
}
SHOWN = {"memberships": "cloud { code }", "credentials": "id", "accounts": "email", "accountRequests": "id"}


@pytest.mark.parametrize("which", PAGED)
async def test_pages_go_both_ways_and_miss_nothing(graph: Graph, which: str) -> None:
    acme, field = graph.world.organization("acme"), which.split()[-1]
    account = graph.world.account(API if field == "credentials" else WIDE).id
    id_ = global_id("Account", account) if which.startswith("account ") else global_id("Organization", acme.id)

    async def page(arguments: str, cursor: str | None) -> Any:
        selection = f"({arguments}) {{ edges {{ cursor node {{ {SHOWN[field]} }} }} pageInfo {{ hasNextPage"
        document = PAGED[which] % (selection + " hasPreviousPage startCursor endCursor } }")
        variables = {"id": id_, "cursor": cursor}
        data = (await graph.ask(REPRESENTATIVE, f"query ($id: ID!, $cursor: String) {{ {document} }}", variables)).whole
        return data.get("list") or next(iter(data.values()))["list"]

    async def walk(arguments: str, more: str, end: str) -> list[Any]:
        found, cursor = [], None
        while True:
            one = await page(arguments, cursor)
            edges = one["edges"] if end == "endCursor" else one["edges"][::-1]
            found += [edge["node"] for edge in edges]
            cursor = one["pageInfo"][end]
            if not one["pageInfo"][more]:
                return found

    forwards = await walk("first: 2, after: $cursor", "hasNextPage", "endCursor")
    backwards = await walk("last: 3, before: $cursor", "hasPreviousPage", "startCursor")
    assert forwards == backwards[::-1]
    assert len({str(node) for node in forwards}) == len(forwards) > 0
    if field == "accounts":
        assert [node["email"] for node in forwards] == sorted(accounts_of(graph.world, "acme"))
    if field == "accountRequests":
        assert len(forwards) == 9


async def test_a_caller_is_shown_their_own_factors(graph: Graph) -> None:
    viewer = (await graph.ask(WIDE, "{ viewer { factors { kind confirmedAt usableFrom } } }")).whole["viewer"]
    assert {factor["kind"] for factor in viewer["factors"]} == {"TOTP", "PHONE"}
    assert (await graph.ask(API, "{ viewer { factors { kind } } }")).whole["viewer"]["factors"] == []


# The second line alone: what PostgreSQL lets each do, whatever is asked of it


@pytest.mark.parametrize("email", [REPRESENTATIVE, PLATFORM])
async def test_nobody_reads_or_writes_what_others_sign_in_with(graph: Graph, email: str) -> None:
    own = graph.world.account(email).id
    async with open_transaction(graph.database) as transaction:
        await set_scope(transaction.fetch, own)
        for model in (Factor, Session, Password, RecoveryCode, Link):
            of = table(model)
            rows = await transaction.fetch(Statement(of.select()))
            assert {row["account_id"] for row in rows} <= {own}
            others = of.c.account_id != own
            assert await transaction.fetch(Statement(of.delete().where(others).returning(of.c.account_id))) == []
        accounts = table(Account)
        assert await transaction.fetch(Statement(accounts.delete().returning(accounts.c.id))) == []

    async def write() -> None:
        async with open_transaction(graph.database) as transaction:
            await set_scope(transaction.fetch, own)
            await transaction.fetch(Statement(accounts.update().values(is_platform=True)))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await write()


CALLS: list[tuple[str, str, str, set[str]]] = [
    ("disable_account(CAST(:target AS uuid), 'x', now())", "acme", "z001@acme.example", {PLATFORM}),
    ("enable_account(CAST(:target AS uuid))", "acme", DISABLED, {PLATFORM}),
    ("reset_factors(CAST(:target AS uuid), now())", "acme", "z001@acme.example", {PLATFORM}),
    (APPROVE, "acme", "z001@acme.example", {REPRESENTATIVE}),
    (APPROVE, "acme", "z001@globex.example", set()),
    (APPROVE, "globex", "z001@globex.example", set()),
]


class Undone(Exception):
    """What was done is taken back."""


@pytest.mark.parametrize(("function", "code", "target", "may"), CALLS)
async def test_each_function_that_writes_looks_at_who_is_asking(
    graph: Graph, function: str, code: str, target: str, may: set[str]
) -> None:
    statement = Statement(text(f"SELECT {function} AS found"))
    organization = graph.world.organization(code).id

    async def call(email: str | None, key: UUID) -> bool:
        async with open_transaction(graph.database) as transaction:
            if email is not None:
                await set_scope(transaction.fetch, graph.world.account(email).id)
            values = {"target": key, "organization": organization}
            found: bool = (await transaction.fetch(statement, values))[0]["found"]
            if found:
                raise Undone
            return found

    async with open_snapshot(graph.database, Trace()) as snapshot:
        await set_scope(snapshot.fetch, graph.world.account(PLATFORM).id)
        keys = {row["email"]: row["id"] for row in await snapshot.fetch(Statement(table(Account).select()))}
    for email in (None, *CALLERS):
        if email in may:
            with pytest.raises(Undone):
                await call(email, keys[target])
        else:
            assert await call(email, keys[target]) is False
        if email is not None:
            assert await call(email, keys[email]) is False


async def test_a_link_is_made_by_who_may_invite_and_for_an_invitation_alone(graph: Graph) -> None:
    world = graph.world
    for email, target, purpose, may in (
        (REPRESENTATIVE, WIDE, LinkPurpose.INVITATION, True),
        (REPRESENTATIVE, WIDE, LinkPurpose.PASSWORD_RESET, False),
        (REPRESENTATIVE, PLATFORM, LinkPurpose.INVITATION, False),
        (REPRESENTATIVE, VAULT, LinkPurpose.INVITATION, False),
        (PLATFORM, VAULT, LinkPurpose.INVITATION, True),
        (PLATFORM, VAULT, LinkPurpose.PASSWORD_RESET, False),
        (WIDE, ALPHA, LinkPurpose.INVITATION, False),
    ):
        link = Link(
            account_id=world.account(target).id, purpose=purpose, digest=uuid4().bytes * 2, expires_at=datetime.now(UTC)
        )

        async def made(link: Link = link, email: str = email) -> None:
            async with open_transaction(graph.database) as transaction:
                await set_scope(transaction.fetch, world.account(email).id)
                await transaction.fetch(Statement(table(Link).insert().values(link.model_dump())))
                raise Undone

        with pytest.raises(Undone if may else asyncpg.InsufficientPrivilegeError):
            await made()


async def test_a_credential_is_given_to_an_api_account_of_the_organization_alone(graph: Graph) -> None:
    world = graph.world
    acme, globex = world.organization("acme").id, world.organization("globex").id
    for email, organization, target, may in (
        (REPRESENTATIVE, acme, API, True),
        (PLATFORM, acme, API, True),
        (REPRESENTATIVE, globex, API, False),
        (PLATFORM, globex, API, False),
        (REPRESENTATIVE, acme, WIDE, False),
        (REPRESENTATIVE, acme, VAULT, False),
        (PLATFORM, acme, WIDE, False),
        (WIDE, acme, API, False),
    ):
        credential = ClientCredential(
            organization_id=organization,
            account_id=world.account(target).id,
            kind="SECRET",
            label="x",
            digest=bytes(32),
            created_by="x",
        )

        async def give(credential: ClientCredential = credential, email: str = email) -> None:
            async with open_transaction(graph.database) as transaction:
                await set_scope(transaction.fetch, world.account(email).id)
                await transaction.fetch(Statement(table(ClientCredential).insert().values(credential.model_dump())))
                raise Undone

        with pytest.raises(Undone if may else asyncpg.InsufficientPrivilegeError):
            await give()


async def test_credentials_are_seen_by_who_manages_them(graph: Graph) -> None:
    for email in CALLERS:
        async with open_snapshot(graph.database, Trace()) as snapshot:
            await set_scope(snapshot.fetch, graph.world.account(email).id)
            rows = await snapshot.fetch(Statement(table(ClientCredential).select()))
        assert bool(rows) is (email in (REPRESENTATIVE, PLATFORM, API))
