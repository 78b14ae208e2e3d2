"""The product on a real database, asked in-process for anything in any order, held against rules in plain Python."""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Container, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

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
from resolvers.commands.outcome import Outcome, Request, UserError
from resolvers.commands.resources import add_resource
from resolvers.commands.submission import Change, submit
from resolvers.database import Database
from resolvers.operations.drivers.port import Call, Report
from resolvers.operations.drivers.simulated import SimulatedDriver, Simulation
from resolvers.operations.execution import Execution
from resolvers.reads.cursors import CursorSeal
from resolvers.tables import Instance, Resource
from resolvers.trace import Trace
from resolvers.transaction import open_transaction
from tests.databases import Databases
from tests.gateway.running import fill
from tests.resolvers.shop import NOON, Shop

T = TypeVar("T")
SEAL: Final = SecretSeal([b"s" * 32], OPERATIONS)
EXAMPLES: Final = [12, pytest.param(100, marks=pytest.mark.long)]


def action_of(label: str) -> Action:
    return Action(label.upper().replace("-", "_"))


class Failing(SimulatedDriver):
    """Fails at a step of what has a label, by its position."""

    def __init__(self, failing: Mapping[str, int]) -> None:
        super().__init__(Simulation(0))
        self._failing = {action_of(label): position for label, position in failing.items()}

    async def execute(self, call: Call) -> Report | None:
        if self._failing.get(call.action) == call.position:
            return Report(False, "It was to fail.")
        return await super().execute(call)


class Platform:
    """The product on a real database, asked in-process by the one person of the shop."""

    def __init__(self, urls: DatabaseUrls, owner: asyncpg.Connection, shop: Shop) -> None:
        self.shop, self.owner = shop, owner
        self.base = Database(urls.app, pool_size=4, statement_seconds=10)
        # One statement at a time on a connection.
        self._approving = asyncio.Lock()
        self._open = context_opener(self.base, CursorSeal(b"k" * 32), SEAL)

    async def ask(self, label: str, change: Change) -> tuple[set[str], Outcome]:
        """Ask for a change; gives the codes of what is wrong with it, and what came of it if nothing is."""
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
                outcome = await submit(caller, grant, Request(digest, approval=digest), change)
            except NotFound:
                return {"NOT_FOUND"}, Outcome()
        return {error.code.value for error in outcome.errors}, outcome

    async def end(self, failing: Mapping[str, int]) -> None:
        """Execute all that is queued; each with one of these labels fails at the step of that position."""
        execution = Execution(self.base, Failing(failing), SEAL)
        for job, payload in await self.owner.fetch("SELECT id, payload FROM pgqueuer ORDER BY id"):
            await execution.run(UUID(bytes=payload))
            await self.owner.execute("DELETE FROM pgqueuer WHERE id = $1", job)

    async def add_instance(self, name: str, status: str) -> UUID:
        """Write an instance."""
        row = Resource(**{**self.shop.another(Resource), "name": name, "status": status, "external_id": None})
        detail = Instance(**{**self.shop.another(Instance), "resource_id": row.id})
        async with open_transaction(self.base) as transaction:
            await set_scope(transaction.fetch, self.shop.account)
            await add_resource(transaction, row, detail)
        return row.id


class Asked(Protocol):
    """What somebody asks for: a label of the matrix, and the name here of the resource that it is about."""

    @property
    def label(self) -> str: ...

    @property
    def resource(self) -> str: ...


R = TypeVar("R", bound=Asked)
R_contra = TypeVar("R_contra", bound=Asked, contravariant=True)


class Rules(Protocol[R_contra]):
    """The rules, and what there is by them."""

    def ask(self, asked: R_contra, /) -> set[str]:
        """Accept a request, or say why not: any of these codes will do."""
        ...

    def end(self, failing: Mapping[str, int], /) -> Mapping[str, bool]:
        """Bring all that is being done to its end; gives which resources' succeeded."""
        ...


class Machine(RuleBasedStateMachine, Generic[R]):
    """Asks for anything, and holds the product against the rules."""

    runner: ClassVar[asyncio.Runner]
    platform: ClassVar[Platform]

    def __init__(self, ideal: Rules[R]) -> None:
        super().__init__()
        self._ideal = ideal
        self.operations: dict[str, UUID] = {}
        self._seen: dict[str, tuple[Any, int]] = {}

    def run(self, waited_for: Awaitable[T]) -> T:
        async def wait() -> T:
            return await waited_for

        return self.runner.run(wait())

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Read as the owner."""
        return self.run(self.platform.owner.fetch(statement, *values))

    @abstractmethod
    def change(self, asked: R) -> Change:
        """Say it in the product's words."""

    def check(self, _asked: R) -> Sequence[UserError]:
        """Check what a mutation checks of its input by itself."""
        return ()

    @abstractmethod
    def know(self, asked: R, resource_id: UUID, outcome: Outcome) -> None:
        """Keep the ids of what was created."""

    @abstractmethod
    def compare(self) -> None:
        """Hold what the database has against what there should be."""

    async def _ask(self, asked: R) -> tuple[set[str], Outcome]:
        wrong = self.check(asked)
        if wrong:
            return {error.code.value for error in wrong}, Outcome()
        return await self.platform.ask(asked.label, self.change(asked))

    def all_are_asked(self, asked: Sequence[R]) -> None:
        """Ask for several things at once: what comes of it is what came of one after the other, in some order."""
        answers = self.run(_all([self._ask(each) for each in asked]))
        refused = [codes for codes, _ in answers]
        for order in (range(len(asked)), reversed(range(len(asked)))):
            ideal = deepcopy(self._ideal)
            if all(_agree(ideal.ask(asked[index]), refused[index]) for index in order):
                self._ideal = ideal
                break
        else:
            raise AssertionError(f"{asked} gave {refused}; {[deepcopy(self._ideal).ask(each) for each in asked]}")
        for each, (_, outcome) in zip(asked, answers, strict=True):
            if outcome.operation_id is not None:
                self.operations[each.resource] = outcome.operation_id
                ((resource_id,),) = self.rows("SELECT resource_id FROM operation WHERE id = $1", outcome.operation_id)
                self.know(each, resource_id, outcome)
        self.compare()

    def ends(self, failing: Mapping[str, int]) -> None:
        """Let all that is being done come to its end."""
        self.run(self.platform.end(failing))
        for name, succeeded in self._ideal.end(failing).items():
            ((status,),) = self.rows("SELECT status FROM operation WHERE id = $1", self.operations.pop(name))
            assert status == ("SUCCESS" if succeeded else "ERROR")
        self.compare()

    def count_revision(self, name: str, looks: Any, revision: int) -> None:
        """Hold that the revision of a resource has grown if it looks different."""
        before, last = self._seen.get(name, (None, 0))
        assert revision > last if looks != before else revision >= last
        self._seen[name] = (deepcopy(looks), revision)

    def teardown(self) -> None:
        self.run(self.platform.end({}))


async def _all(waited_for: Sequence[Awaitable[T]]) -> list[T]:
    return await asyncio.gather(*waited_for)


def _agree(may_be_wrong: set[str], wrong: set[str]) -> bool:
    """Tell whether an answer is one that the rules allow: nothing wrong, or some of what is."""
    return wrong <= may_be_wrong and bool(wrong) == bool(may_be_wrong)


def pick(known: Sequence[T], number: int, there: Container[T]) -> T:
    """Pick one of those that are there, or the last one that has gone."""
    gone = [each for each in known if each not in there]
    among = [each for each in known if each in there] + gone[-1:]
    return among[number % len(among)]


def hold_against_the_rules(databases: Databases, machine: type[Machine[Any]], examples: int) -> None:
    """Run a machine so many times on a database of its own."""
    urls, shop = databases.make(), Shop()
    with asyncio.Runner() as runner:
        owner = runner.run(_filled(urls, shop))
        platform = Platform(urls, owner, shop)
        machine.runner, machine.platform = runner, platform
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=50,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
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
