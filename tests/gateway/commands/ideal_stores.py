"""What object stores and their users should do: the rules of the actions, as they are agreed on, in plain Python.

Nothing of the product is used here but the words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

ACTIVE, INACTIVE, PREPARATION = "ACTIVE", "INACTIVE", "PREPARATION"
QUOTA = range(1, 10_000_001)
GRACE = range(7 * 86_400 + 1)
OPEN_CENTERS = ("EB4", "EB5", "ET1")


class Request(NamedTuple):
    """What somebody asks for.

    `resource` and `user` are what things are called here, since names can be given again; `secret` what the secret is
    called that may come of it. None: not to be changed.
    """

    label: str
    resource: str
    user: str = ""
    secret: str = ""
    service: str = "shop"
    name: str = ""
    center: str = "EB4"
    quota: int | None = None
    team: str | None = None
    user_label: str | None = None
    locked: bool | None = None
    renews: bool = False
    grace: int | None = None


@dataclass
class User:
    """A user of an object store, with the secret in use and the one before, if that is still good."""

    label: str
    secret: str
    locked: bool = False
    before: str | None = None


@dataclass
class Store:
    """An object store."""

    service: str
    name: str
    status: str
    quota: int
    users: dict[str, User]
    team: str | None = None
    used: int = 0


@dataclass
class IdealStores:
    """What there is."""

    stores: dict[str, Store] = field(default_factory=dict)
    open: dict[str, Request] = field(default_factory=dict)
    """What is being done, by the store that it is done to, in the order in which it was asked for."""
    status_before: dict[str, str] = field(default_factory=dict)

    def ask(self, asked: Request) -> set[str]:
        """Accept a request, or say why not: any of these codes will do."""
        wrong = self._wrong_by_itself(asked) or self._refusal(asked)
        if not wrong:
            self._accept(asked)
        return wrong

    def end(self, failing: Mapping[str, int]) -> dict[str, bool]:
        """Bring all that is being done to its end; gives which stores' succeeded."""
        ended = {}
        for name, asked in list(self.open.items()):
            # Each has one step.
            ended[name] = failing.get(asked.label) != 0
            (self._succeed if ended[name] else self._fail)(asked)
        self.open.clear()
        return ended

    def _wrong_by_itself(self, asked: Request) -> set[str]:
        wrong = set()
        creates = asked.label == "create-object-stores"
        if (creates and "/" in asked.name) or (asked.user_label is not None and not asked.user_label):
            wrong.add("INVALID_VALUE")
        if asked.quota is not None and asked.quota not in QUOTA:
            wrong.add("INVALID_VALUE")
        if asked.grace is not None and (asked.grace not in GRACE or not asked.renews):
            wrong.add("INVALID_VALUE")
        changes_of_store = asked.label == "update-object-stores" and asked.quota is None and asked.team is None
        changes_of_user = (
            asked.label == "update-user-objectstores"
            and asked.user_label is None
            and asked.locked is None
            and asked.grace is None
            and not asked.renews
        )
        return wrong | ({"UNCHANGED"} if changes_of_store or changes_of_user else set())

    def _refusal(self, asked: Request) -> set[str]:
        if asked.label == "create-object-stores":
            # Of the same Cloud, in whichever Service.
            taken = any(store.name == asked.name for store in self.stores.values())
            return ({"NAME_TAKEN"} if taken else set()) | (
                {"PLACE_NOT_OPEN"} if asked.center not in OPEN_CENTERS else set()
            )
        store = self.stores.get(asked.resource)
        if store is None or (asked.user and asked.user not in store.users):
            return {"NOT_FOUND"}
        busy = {"OPERATION_IN_PROGRESS"} if asked.resource in self.open else set()
        of_users = asked.label.endswith("-user-objectstores")
        return busy | (_refusal_of_user(asked, store) if of_users else _refusal_of_store(asked, store))

    def _accept(self, asked: Request) -> None:
        self.open[asked.resource] = asked
        match asked.label:
            case "create-object-stores":
                users = {asked.secret: User(asked.user_label or "", asked.secret)}
                self.stores[asked.resource] = Store(
                    asked.service, asked.name, PREPARATION, asked.quota or 0, users, asked.team
                )
            case "delete-object-stores":
                self.status_before[asked.resource] = self.stores[asked.resource].status
                self.stores[asked.resource].status = PREPARATION
            case "create-user-objectstores":
                self.stores[asked.resource].users[asked.secret] = User(asked.user_label or "", asked.secret)

    def _succeed(self, asked: Request) -> None:
        store = self.stores[asked.resource]
        match asked.label:
            case "create-object-stores":
                store.status = ACTIVE
            case "update-object-stores":
                store.quota = store.quota if asked.quota is None else asked.quota
                store.team = store.team if asked.team is None else asked.team
            case "delete-object-stores":
                del self.stores[asked.resource]
            case "update-user-objectstores":
                user = store.users[asked.user]
                user.label = user.label if asked.user_label is None else asked.user_label
                user.locked = user.locked if asked.locked is None else asked.locked
                if asked.renews:
                    user.before, user.secret = (user.secret if asked.grace else None), asked.secret
            case "delete-user-objectstores":
                del store.users[asked.user]

    def _fail(self, asked: Request) -> None:
        match asked.label:
            case "create-object-stores":
                self.stores[asked.resource].status = INACTIVE
            case "delete-object-stores":
                self.stores[asked.resource].status = self.status_before.pop(asked.resource)
            case "create-user-objectstores":
                del self.stores[asked.resource].users[asked.secret]


def _refusal_of_store(asked: Request, store: Store) -> set[str]:
    wrong = set()
    if asked.label == "update-object-stores":
        if asked.quota in (None, store.quota) and asked.team in (None, store.team):
            wrong.add("UNCHANGED")
        if asked.quota is not None and asked.quota < store.used:
            wrong.add("IN_USE")
    elif store.used > 0:
        wrong.add("IN_USE")
    return wrong


def _refusal_of_user(asked: Request, store: Store) -> set[str]:
    if asked.label == "delete-user-objectstores":
        return {"IN_USE"} if len(store.users) == 1 else set()
    user = store.users.get(asked.user)
    others = {other.label for key, other in store.users.items() if key != asked.user}
    wrong = {"NAME_TAKEN"} if asked.user_label in others else set()
    if user and not asked.renews and asked.user_label in (None, user.label) and asked.locked in (None, user.locked):
        wrong.add("UNCHANGED")
    return wrong
