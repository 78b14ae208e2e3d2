"""What instances and load balancers should do: the rules of the actions, as they are agreed on, in plain Python.

Nothing of the product is used here but the words.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

ACTIVE, INACTIVE, PREPARATION = "ACTIVE", "INACTIVE", "PREPARATION"
ENABLED, DISABLED, OFFLINE = "ENABLED", "DISABLED", "OFFLINE"
TAKES = {
    "start-instance": INACTIVE,
    "stop-instance": ACTIVE,
    "reset-instance": ACTIVE,
    "delete-instance": INACTIVE,
    "start-lb": INACTIVE,
    "stop-lb": ACTIVE,
    "delete-lb": INACTIVE,
}
"""The status that an action is allowed in."""
LEADS_TO = {
    "start-instance": ACTIVE,
    "stop-instance": INACTIVE,
    "reset-instance": ACTIVE,
    "start-lb": ACTIVE,
    "stop-lb": INACTIVE,
    "create-lb": ACTIVE,
}
"""The status that an action has in the end."""


class Member(NamedTuple):
    """An instance behind a load balancer, on a port; all three are names."""

    balancer: str
    instance: str
    port: int


class Request(NamedTuple):
    """What somebody asks for; `members` of a load balancer to be created, or the one that it is about."""

    label: str
    resource: str
    members: tuple[Member, ...] = ()
    state: str = ENABLED


@dataclass
class Ideal:
    """What there is."""

    status: dict[str, str] = field(default_factory=dict)
    """Of every resource, by its name."""
    states: dict[Member, str] = field(default_factory=dict)
    """Of every member."""
    open: dict[str, Request] = field(default_factory=dict)
    """What is being done, by the resource that it is done to, in the order in which it was asked for."""

    def ask(self, asked: Request) -> set[str]:
        """Accept a request, or say why not: any of these codes will do."""
        wrong = self._refusal(asked)
        if not wrong:
            self._accept(asked)
        return wrong

    def end(self, failing: Collection[str] = ()) -> dict[str, bool]:
        """Bring all that is being done to its end; gives which resources' succeeded."""
        ended = {}
        for name, asked in list(self.open.items()):
            ended[name] = asked.label not in failing
            (self._succeed if ended[name] else self._fail)(asked)
        self.open.clear()
        return ended

    def observed(self, member: Member) -> str:
        """What is observed of a member."""
        if self.states[member] != ENABLED:
            return "USER_DOWN"
        return "UP" if self.status[member.instance] == ACTIVE else "DOWN"

    def _refusal(self, asked: Request) -> set[str]:
        if asked.label == "create-lb":
            return self._wrong_instances(asked.members)
        if asked.resource not in self.status:
            return {"NOT_FOUND"}
        of_a_member = asked.label in ("delete-member-lb", "update-member-state")
        if of_a_member and asked.members[0] not in self.states:
            return {"NOT_FOUND"}
        wrong = {"OPERATION_IN_PROGRESS"} if asked.resource in self.open else set()
        if self.status[asked.resource] != TAKES.get(asked.label, self.status[asked.resource]):
            wrong.add("WRONG_STATUS")
        if asked.label == "delete-instance" and any(member.instance == asked.resource for member in self.states):
            wrong.add("IN_USE")
        if asked.label == "add-member-lb":
            wrong |= self._wrong_instances(asked.members)
            if asked.members[0] in self.states:
                wrong.add("UNCHANGED")
        return wrong

    def _wrong_instances(self, members: Collection[Member]) -> set[str]:
        wrong = set()
        for member in members:
            being_done = self.open.get(member.instance)
            if member.instance not in self.status:
                wrong.add("NOT_FOUND")
            elif being_done is not None and being_done.label == "delete-instance":
                wrong.add("OPERATION_IN_PROGRESS")
        return wrong

    def _accept(self, asked: Request) -> None:
        self.open[asked.resource] = asked
        if asked.label in ("create-lb", "delete-lb", "delete-instance"):
            self.status[asked.resource] = PREPARATION
        if asked.label in ("create-lb", "add-member-lb"):
            self.states |= dict.fromkeys(asked.members, ENABLED)

    def _succeed(self, asked: Request) -> None:
        if asked.label in ("delete-lb", "delete-instance"):
            del self.status[asked.resource]
            self.states = {member: state for member, state in self.states.items() if member.balancer != asked.resource}
        elif asked.label == "delete-member-lb":
            del self.states[asked.members[0]]
        elif asked.label == "update-member-state":
            self.states[asked.members[0]] = asked.state
        elif asked.label in LEADS_TO:
            self.status[asked.resource] = LEADS_TO[asked.label]

    def _fail(self, asked: Request) -> None:
        if asked.label in ("create-lb", "delete-lb", "delete-instance"):
            self.status[asked.resource] = INACTIVE
        elif asked.label == "add-member-lb":
            del self.states[asked.members[0]]
