"""Whatever is asked for in whatever order, instances and load balancers are as the rules have it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Container, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import asyncpg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from auth.decisions import Grant, decide
from auth.errors import NotFound
from auth.mfa.sealing import OPERATIONS, SecretSeal
from auth.permissions import Action
from auth.principal import set_scope
from auth.statements import connect_arguments
from auth.tables import Factor
from auth.tokens import Claims
from gateway.context import context_opener
from gateway.postgres import DatabaseUrls
from resolvers.commands import instances, load_balancers, members
from resolvers.commands import outcome as asking
from resolvers.commands.load_balancers import NewLoadBalancer
from resolvers.commands.members import NewMember
from resolvers.commands.resources import add_resource
from resolvers.commands.submission import Change, submit
from resolvers.database import Database
from resolvers.operations.drivers.simulated import SimulatedDriver, Simulation
from resolvers.operations.execution import Execution
from resolvers.reads.cursors import CursorSeal
from resolvers.tables import Instance, MemberState, Resource
from resolvers.trace import Trace
from resolvers.transaction import open_transaction
from tests.databases import Databases
from tests.gateway.commands.ideal import DISABLED, ENABLED, INACTIVE, OFFLINE, Ideal, Member, Request
from tests.gateway.running import fill
from tests.resolvers.shop import NOON, Shop

T = TypeVar("T")
SEAL: Final = SecretSeal([b"s" * 32], OPERATIONS)
PORTS: Final = (80, 81)
OF_INSTANCES: Final = ("start-instance", "stop-instance", "reset-instance", "delete-instance")
OF_BALANCERS: Final = ("start-lb", "stop-lb", "delete-lb")
LABELS: Final = (
    *OF_INSTANCES, *OF_BALANCERS, "create-lb", "add-member-lb", "delete-member-lb", "update-member-state",
)  # fmt: skip
SIMPLE: Final[Mapping[str, Callable[[UUID, int | None], Change]]] = {
    "start-instance": instances.start_instance,
    "stop-instance": instances.stop_instance,
    "reset-instance": instances.reset_instance,
    "delete-instance": instances.delete_instance,
    "start-lb": load_balancers.start_lb,
    "stop-lb": load_balancers.stop_lb,
    "delete-lb": load_balancers.delete_lb,
}
FEW: Final = 2
"""So few of each that what is asked for meets what is being done."""
ELSEWHERE: Final = "an instance of another Cloud"


def action_of(label: str) -> Action:
    return Action(label.upper().replace("-", "_"))


Drawn = tuple[str, int, int, int, str]
DRAWN: Final = st.tuples(
    st.sampled_from(LABELS),
    st.integers(0, 7),
    st.integers(0, 7),
    st.sampled_from(PORTS),
    st.sampled_from([ENABLED, DISABLED, OFFLINE]),
)
FAILS: Final[st.SearchStrategy[list[bool]]] = st.just([]) | st.lists(
    st.booleans(), min_size=len(LABELS), max_size=len(LABELS)
)
EXAMPLES: Final = settings(
    max_examples=25, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)


class Platform:
    """The product on a real database, asked in-process by the one person of the shop."""

    def __init__(self, urls: DatabaseUrls, owner: asyncpg.Connection, shop: Shop) -> None:
        self.shop, self.owner = shop, owner
        self.base = Database(urls.app, pool_size=4, statement_seconds=10)
        # One statement at a time on a connection.
        self._approving = asyncio.Lock()
        self._open = context_opener(self.base, CursorSeal(b"k" * 32), SEAL)

    async def ask(self, label: str, change: Change) -> tuple[set[str], UUID | None]:
        """Ask for a change; gives the codes of what is wrong with it, and the operation if nothing is."""
        now = datetime.now(UTC)
        claims = Claims(self.shop.account, now, now + timedelta(minutes=5), None, now, (), None)
        digest = uuid4().bytes * 2
        approved = "INSERT INTO approval (account_id, digest, approved_at) VALUES ($1, $2, now())"
        async with self._approving:
            await self.owner.execute(approved, self.shop.account, digest)
        async with self._open(claims, Trace()) as context:
            caller = context.authenticated
            grant = decide(caller.asker, action_of(label), self.shop.alpha, now)
            assert isinstance(grant, Grant)
            try:
                outcome = await submit(caller, grant, asking.Request(digest, approval=digest), change)
            except NotFound:
                return {"NOT_FOUND"}, None
        return {error.code.value for error in outcome.errors}, outcome.operation_id

    async def end(self, failing: Collection[str]) -> None:
        """Execute all that is queued."""
        failures = {action_of(label).value: "It was to fail." for label in failing}
        execution = Execution(self.base, SimulatedDriver(Simulation(0, failures=failures)), SEAL)
        for job, payload in await self.owner.fetch("SELECT id, payload FROM pgqueuer ORDER BY id"):
            await execution.run(UUID(bytes=payload))
            await self.owner.execute("DELETE FROM pgqueuer WHERE id = $1", job)

    async def add_instance(self, name: str) -> UUID:
        """Write an inactive instance."""
        row = Resource(**{**self.shop.another(Resource), "name": name, "status": INACTIVE, "external_id": None})
        detail = Instance(**{**self.shop.another(Instance), "resource_id": row.id})
        async with open_transaction(self.base) as transaction:
            await set_scope(transaction.fetch, self.shop.account)
            await add_resource(transaction, row, detail)
        return row.id


class Machine(RuleBasedStateMachine):
    """Asks for anything, and holds the product against the rules."""

    def __init__(self, runner: asyncio.Runner, platform: Platform) -> None:
        super().__init__()
        self._runner, self.platform = runner, platform
        self.ideal = Ideal()
        self.ids: dict[str, UUID] = {}
        self.members: dict[Member, UUID] = {}
        self.operations: dict[str, UUID] = {}
        self.revisions: dict[str, tuple[Any, int]] = {}
        # Those that have gone too.
        self.instances: list[str] = []
        self.balancers: list[str] = []

    def run(self, waited_for: Awaitable[T]) -> T:
        async def wait() -> T:
            return await waited_for

        return self._runner.run(wait())

    @initialize()
    def there_are_instances(self) -> None:
        self.ids[ELSEWHERE] = self.platform.shop.resource_of_beta
        self.there_is_an_instance()
        self.all_are_asked([Request("create-lb", f"b{uuid4().hex}", ())])

    @rule()
    def there_is_an_instance(self) -> None:
        if sum(name in self.ideal.status for name in self.instances) < FEW:
            name = f"i{uuid4().hex}"
            self.ids[name] = self.run(self.platform.add_instance(name))
            self.ideal.status[name] = INACTIVE
            self.instances.append(name)

    @rule(drawn=DRAWN)
    def one_is_asked(self, drawn: Drawn) -> None:
        self.all_are_asked([self.request(drawn)])

    @rule(drawn=DRAWN, other=DRAWN)
    def two_are_asked_at_once(self, drawn: Drawn, other: Drawn) -> None:
        self.all_are_asked([self.request(drawn), self.request(other)])

    @rule(drawn=DRAWN, other=DRAWN, fails=FAILS)
    def two_are_asked_and_end(self, drawn: Drawn, other: Drawn, fails: Sequence[bool]) -> None:
        self.one_is_asked(drawn)
        self.all_ends(fails)
        self.one_is_asked(other)
        self.all_ends(fails[1:])

    @rule(fails=FAILS)
    def all_ends(self, fails: Sequence[bool]) -> None:
        failing = {label for label, fail in zip(LABELS, fails, strict=False) if fail}
        self.run(self.platform.end(failing))
        for name, succeeded in self.ideal.end(failing).items():
            statement = "SELECT status FROM operation WHERE id = $1"
            status = self.run(self.platform.owner.fetchval(statement, self.operations.pop(name)))
            assert status == ("SUCCESS" if succeeded else "ERROR")
        self.compare()

    def teardown(self) -> None:
        self.run(self.platform.end(()))

    def request(self, drawn: Drawn) -> Request:
        """Ask for what was drawn, of what there is or was.

        Who wins a race is not drawn, so that there may be something else the next time: what is drawn must not depend
        on it.
        """
        label, first, second, port, state = drawn
        if label in OF_INSTANCES:
            return Request(label, _pick(self.instances, first, self.ideal.status))
        if label in ("delete-member-lb", "update-member-state") and self.members:
            member = _pick(list(self.members), first, self.ideal.states)
            return Request(label, member.balancer, (member,), state)
        behind = (_pick([*self.instances, ELSEWHERE], second, self.ideal.status), port)
        balancers = [name for name in self.balancers if name in self.ideal.status]
        if label == "create-lb" and len(balancers) < FEW:
            name = f"b{uuid4().hex}"
            return Request(label, name, (Member(name, *behind),) if first % 2 else ())
        name = _pick(self.balancers, first, self.ideal.status)
        return (
            Request(label, name) if label in OF_BALANCERS else Request("add-member-lb", name, (Member(name, *behind),))
        )

    def all_are_asked(self, asked: Sequence[Request]) -> None:
        """Ask for several things at once: what comes of it is what came of one after the other, in some order."""
        answers = self.run(_all([self.platform.ask(each.label, self.change(each)) for each in asked]))
        refused = [codes for codes, _ in answers]
        for order in (range(len(asked)), reversed(range(len(asked)))):
            ideal = deepcopy(self.ideal)
            if all(_agree(ideal.ask(asked[index]), refused[index]) for index in order):
                self.ideal = ideal
                break
        else:
            raise AssertionError(f"{asked} gave {refused}; {[deepcopy(self.ideal).ask(each) for each in asked]}")
        for each, (_, operation_id) in zip(asked, answers, strict=True):
            if operation_id is not None:
                self.operations[each.resource] = operation_id
                self.know(each, operation_id)
        self.compare()

    def know(self, asked: Request, operation_id: UUID) -> None:
        """Keep the id of what was created."""
        if asked.label == "create-lb":
            statement = "SELECT resource_id FROM operation WHERE id = $1"
            self.ids[asked.resource] = self.run(self.platform.owner.fetchval(statement, operation_id))
            self.balancers.append(asked.resource)

    def change(self, asked: Request) -> Change:
        """Say it in the product's words."""
        id_ = self.ids.get(asked.resource, UUID(int=0))
        if asked.label in SIMPLE:
            return SIMPLE[asked.label](id_, None)
        behind = [NewMember(self.ids[member.instance], member.port) for member in asked.members]
        match asked.label:
            case "add-member-lb":
                return members.add_member_lb(id_, behind[0], None)
            case "delete-member-lb":
                return members.delete_member_lb(self.members[asked.members[0]], None)
            case "update-member-state":
                return members.update_member_state(self.members[asked.members[0]], MemberState(asked.state), None)
        new = NewLoadBalancer(
            asked.resource, "TCP", 80, "ROUND_ROBIN", None, None, False, ["EB-HDS-A"], "production", {}, behind
        )
        return load_balancers.create_lb(self.platform.shop.shop, new, "ann")

    def compare(self) -> None:
        """Hold what the database has against what there should be."""
        names = {id_: name for name, id_ in self.ids.items() if name != ELSEWHERE}
        fetch, ids = self.platform.owner.fetch, list(names)
        resources = self.run(fetch("SELECT id, status, revision FROM resource WHERE id = ANY($1)", ids))
        assert {names[row["id"]]: row["status"] for row in resources} == self.ideal.status
        rows = self.run(fetch("SELECT * FROM load_balancer_member WHERE resource_id = ANY($1)", ids))
        found = {Member(names[row["resource_id"]], names[row["instance_id"]], row["port"]): row for row in rows}
        assert {member: (row["state"], row["status"]) for member, row in found.items()} == {
            member: (state, self.ideal.observed(member)) for member, state in self.ideal.states.items()
        }
        self.members |= {member: row["id"] for member, row in found.items()}
        statement = "SELECT resource_id FROM operation WHERE status = 'IN_PROGRESS' AND resource_id = ANY($1)"
        assert {names[id_] for (id_,) in self.run(fetch(statement, ids))} == set(self.ideal.open)
        for row in resources:
            name = names[row["id"]]
            behind = {member: state for member, state in self.ideal.states.items() if member.balancer == name}
            looks, before = (row["status"], behind), self.revisions.get(name, (None, 0))
            assert row["revision"] > before[1] if looks != before[0] else row["revision"] >= before[1]
            self.revisions[name] = (looks, row["revision"])


async def _all(waited_for: Sequence[Awaitable[T]]) -> list[T]:
    return await asyncio.gather(*waited_for)


def _pick(known: Sequence[T], number: int, there: Container[T]) -> T:
    """Pick one of those that are there, or the last one that has gone."""
    gone = [each for each in known if each not in there]
    among = [each for each in known if each in there] + gone[-1:]
    return among[number % len(among)]


def _agree(may_be_wrong: set[str], wrong: set[str]) -> bool:
    """Tell whether an answer is one that the rules allow: nothing wrong, or some of what is."""
    return wrong <= may_be_wrong and bool(wrong) == bool(may_be_wrong)


def test_instances_and_load_balancers_are_as_the_rules_have_it(databases: Databases) -> None:
    urls, shop = databases.make(), Shop()
    with asyncio.Runner() as runner:
        owner = runner.run(_filled(urls, shop))
        platform = Platform(urls, owner, shop)

        class Bound(Machine):
            def __init__(self) -> None:
                super().__init__(runner, platform)

        try:
            run_state_machine_as_test(Bound, settings=EXAMPLES)
        finally:
            runner.run(platform.base.close())
            runner.run(owner.close())
    databases.drop(urls)


async def _filled(urls: DatabaseUrls, shop: Shop) -> asyncpg.Connection:
    """Fill a database, give its person a second factor, and connect as the owner."""
    await fill(urls, shop)
    owner: asyncpg.Connection = await asyncpg.connect(**connect_arguments(urls.owner))
    factor = Factor(account_id=shop.account, kind="TOTP", label="phone", secret=b"sealed", confirmed_at=NOON)
    await owner.execute(
        "INSERT INTO factor (id, account_id, kind, label, secret, confirmed_at, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, now())",
        *(factor.id, factor.account_id, factor.kind, factor.label, factor.secret, factor.confirmed_at),
    )
    return owner
