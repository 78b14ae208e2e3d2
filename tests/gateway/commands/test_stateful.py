"""Whatever is asked for in whatever order, instances and load balancers are as the rules have it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from resolvers.commands import instances, load_balancers, members
from resolvers.commands.load_balancers import NewLoadBalancer
from resolvers.commands.members import NewMember
from resolvers.commands.outcome import Outcome
from resolvers.commands.submission import Change
from resolvers.tables import MemberState
from tests.databases import Databases
from tests.gateway.commands.ideal import DISABLED, ENABLED, INACTIVE, OFFLINE, Ideal, Member, Request
from tests.gateway.commands.stateful import EXAMPLES, Machine, hold_against_the_rules, pick

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


class Balancing(Machine[Request]):
    """Asks for anything of instances and load balancers."""

    def __init__(self) -> None:
        super().__init__(Ideal())
        self.ids: dict[str, UUID] = {}
        self.members: dict[Member, UUID] = {}
        # Those that have gone too.
        self.instances: list[str] = []
        self.balancers: list[str] = []

    @property
    def ideal(self) -> Ideal:
        assert isinstance(self._ideal, Ideal)
        return self._ideal

    @initialize()
    def there_are_instances(self) -> None:
        self.ids[ELSEWHERE] = self.platform.shop.resource_of_beta
        self.there_is_an_instance()
        self.all_are_asked([Request("create-lb", f"b{uuid4().hex}", ())])

    @rule()
    def there_is_an_instance(self) -> None:
        if sum(name in self.ideal.status for name in self.instances) < FEW:
            name = f"i{uuid4().hex}"
            self.ids[name] = self.run(self.platform.add_instance(name, INACTIVE))
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
        self.ends({label: 0 for label, fail in zip(LABELS, fails, strict=False) if fail})

    def request(self, drawn: Drawn) -> Request:
        """Ask for what was drawn, of what there is or was.

        Who wins a race is not drawn, so that there may be something else the next time: what is drawn must not depend
        on it.
        """
        label, first, second, port, state = drawn
        if label in OF_INSTANCES:
            return Request(label, pick(self.instances, first, self.ideal.status))
        if label in ("delete-member-lb", "update-member-state") and self.members:
            member = pick(list(self.members), first, self.ideal.states)
            return Request(label, member.balancer, (member,), state)
        behind = (pick([*self.instances, ELSEWHERE], second, self.ideal.status), port)
        balancers = [name for name in self.balancers if name in self.ideal.status]
        if label == "create-lb" and len(balancers) < FEW:
            name = f"b{uuid4().hex}"
            return Request(label, name, (Member(name, *behind),) if first % 2 else ())
        name = pick(self.balancers, first, self.ideal.status)
        return (
            Request(label, name) if label in OF_BALANCERS else Request("add-member-lb", name, (Member(name, *behind),))
        )

    def know(self, asked: Request, resource_id: UUID, _outcome: Outcome) -> None:
        if asked.label == "create-lb":
            self.ids[asked.resource] = resource_id
            self.balancers.append(asked.resource)

    def change(self, asked: Request) -> Change:
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
        names = {id_: name for name, id_ in self.ids.items() if name != ELSEWHERE}
        ids = list(names)
        resources = self.rows("SELECT id, status, revision FROM resource WHERE id = ANY($1)", ids)
        assert {names[row["id"]]: row["status"] for row in resources} == self.ideal.status
        rows = self.rows("SELECT * FROM load_balancer_member WHERE resource_id = ANY($1)", ids)
        found = {Member(names[row["resource_id"]], names[row["instance_id"]], row["port"]): row for row in rows}
        assert {member: (row["state"], row["status"]) for member, row in found.items()} == {
            member: (state, self.ideal.observed(member)) for member, state in self.ideal.states.items()
        }
        self.members |= {member: row["id"] for member, row in found.items()}
        statement = "SELECT resource_id FROM operation WHERE status = 'IN_PROGRESS' AND resource_id = ANY($1)"
        assert {names[id_] for (id_,) in self.rows(statement, ids)} == set(self.ideal.open)
        for row in resources:
            name = names[row["id"]]
            behind = {member: state for member, state in self.ideal.states.items() if member.balancer == name}
            self.count_revision(name, (row["status"], behind), row["revision"])


@pytest.mark.parametrize("examples", EXAMPLES)
def test_instances_and_load_balancers_are_as_the_rules_have_it(databases: Databases, examples: int) -> None:
    hold_against_the_rules(databases, Balancing, examples)
