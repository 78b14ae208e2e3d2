"""Whatever is asked for in whatever order, object stores and their users are as the rules have it."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from resolvers.commands import object_store_users as users
from resolvers.commands import object_stores as stores
from resolvers.commands.object_store_users import UserChange
from resolvers.commands.object_stores import NewStore
from resolvers.commands.outcome import Outcome, UserError
from resolvers.commands.submission import Change
from tests.databases import Databases
from tests.gateway.commands.ideal_stores import GRACE, QUOTA, IdealStores, Request
from tests.gateway.commands.stateful import EXAMPLES, Machine, hold_against_the_rules, pick

LABELS: Final = (
    "create-object-stores", "update-object-stores", "delete-object-stores",
    "create-user-objectstores", "update-user-objectstores", "delete-user-objectstores",
)  # fmt: skip
FEW: Final = 3
"""So few of each that what is asked for meets what is being done."""
USED: Final = (0, 5, 20)


class Drawn(NamedTuple):
    """What is asked for, of what there is then."""

    label: str
    store: int
    user: int
    in_depot: bool
    name: str
    center: str
    quota: int | None
    team: str | None
    user_label: str | None
    locked: bool | None
    renews: bool
    grace: int | None


DRAWN: Final = st.builds(
    Drawn,
    label=st.sampled_from([*LABELS, *LABELS[3:], *LABELS[:2], "update-object-stores"]),
    store=st.integers(0, 5),
    user=st.integers(0, 5),
    in_depot=st.booleans(),
    name=st.sampled_from([*"abcdef", "e/f"]),
    center=st.sampled_from([*["EB4", "EB5", "ET1"] * 3, "XX1"]),
    quota=st.sampled_from([*[None, 1, 5, 19, 20, QUOTA.stop - 1] * 3, 0, QUOTA.stop]),
    team=st.sampled_from([None, None, "blue", "red"]),
    user_label=st.sampled_from([*["lab", "ci", "ops", None] * 3, ""]),
    locked=st.sampled_from([None, True, False]),
    renews=st.booleans(),
    grace=st.sampled_from([*[None] * 6, 0, 60, GRACE.stop - 1, GRACE.stop]),
)
FAILS: Final[st.SearchStrategy[dict[str, int]]] = st.just({}) | st.dictionaries(st.sampled_from(LABELS), st.just(0))
"""What has which label fails, at its one step."""


class Storing(Machine[Request]):
    """Asks for anything of object stores."""

    def __init__(self) -> None:
        super().__init__(IdealStores())
        # Names are the machine's own: those of the others are still there.
        self.prefix = uuid4().hex[:12]
        self.ids: dict[str, UUID] = {}
        self.user_ids: dict[str, UUID] = {}
        self.hashes: dict[str, bytes] = {}
        # Those that have gone too.
        self.stores: list[str] = []
        self.owners: dict[str, str] = {}

    @property
    def ideal(self) -> IdealStores:
        assert isinstance(self._ideal, IdealStores)
        return self._ideal

    @initialize(name=st.sampled_from("ab"))
    def there_is_a_store(self, name: str) -> None:
        asked = Request("create-object-stores", uuid4().hex, secret=uuid4().hex, name=name, quota=20, user_label="lab")
        self.all_are_asked([asked])
        self.ends({})

    @rule(drawn=DRAWN)
    def one_is_asked(self, drawn: Drawn) -> None:
        self.all_are_asked([self.request(drawn)])

    @rule(drawn=DRAWN, other=DRAWN)
    def two_are_asked_at_once(self, drawn: Drawn, other: Drawn) -> None:
        self.all_are_asked([self.request(drawn), self.request(other)])

    @rule(drawn=DRAWN, other=DRAWN, fails=FAILS)
    def two_are_asked_and_end(self, drawn: Drawn, other: Drawn, fails: dict[str, int]) -> None:
        self.one_is_asked(drawn)
        self.ends(fails)
        self.one_is_asked(other)
        self.ends({})

    @rule(fails=FAILS)
    def all_ends(self, fails: dict[str, int]) -> None:
        self.ends(fails)

    @rule(number=st.integers(0, 5), used=st.sampled_from(USED))
    def something_is_stored(self, number: int, used: int) -> None:
        name = pick(self.stores, number, self.ideal.stores)
        if name in self.ideal.stores:
            self.rows("UPDATE object_store SET used_gb = $1 WHERE resource_id = $2", used, self.ids[name])
            self.ideal.stores[name].used = used

    def request(self, drawn: Drawn) -> Request:
        """Ask for what was drawn, of what there is or was."""
        name, secret = pick(self.stores, drawn.store, self.ideal.stores), uuid4().hex
        label, user_label = drawn.label, drawn.user_label
        if label == "create-object-stores" and len(self.ideal.stores) >= FEW:
            label = "create-user-objectstores"
        if not self.ideal.stores and drawn.user % 2:
            label = "create-object-stores"
        match label:
            case "create-object-stores":
                service = "depot" if drawn.in_depot else "shop"
                return Request(
                    label, uuid4().hex, "", secret, service, drawn.name, drawn.center,
                    quota=1 if drawn.quota is None else drawn.quota, team=drawn.team, user_label=user_label or "lab",
                )  # fmt: skip
            case "update-object-stores":
                return Request(label, name, quota=drawn.quota, team=drawn.team)
            case "delete-object-stores":
                return Request(label, name)
            case "create-user-objectstores":
                return Request(label, name, secret=secret, user_label="db" if user_label is None else user_label)
        user = pick(list(self.owners), drawn.user, [key for store in self.ideal.stores.values() for key in store.users])
        if label == "delete-user-objectstores":
            return Request(label, self.owners[user], user)
        return Request(
            label, self.owners[user], user, secret,
            user_label=user_label, locked=drawn.locked, renews=drawn.renews, grace=drawn.grace,
        )  # fmt: skip

    def check(self, asked: Request) -> Sequence[UserError]:
        match asked.label:
            case "create-object-stores":
                return stores.check_store(self.new_store(asked))
            case "update-object-stores":
                return stores.check_store_change(asked.quota, _tags(asked))
            case "create-user-objectstores":
                return users.check_label(asked.user_label or "")
            case "update-user-objectstores":
                return users.check_user_change(_user_change(asked))
        return ()

    def new_store(self, asked: Request) -> NewStore:
        quota, label, name = asked.quota or 0, asked.user_label or "", f"{self.prefix}{asked.name}"
        return NewStore(name, asked.center, False, quota, "production", _tags(asked) or (), label)

    def change(self, asked: Request) -> Change:
        id_ = self.ids.get(asked.resource, UUID(int=0))
        user_id = self.user_ids.get(asked.user, UUID(int=0))
        shop = self.platform.shop
        match asked.label:
            case "create-object-stores":
                service = shop.depot if asked.service == "depot" else shop.shop
                return stores.create_store(service, self.new_store(asked), "ann")
            case "update-object-stores":
                return stores.update_store(id_, None, asked.quota, _tags(asked))
            case "delete-object-stores":
                return stores.delete_store(id_, None)
            case "create-user-objectstores":
                return users.create_user(id_, asked.user_label or "", None)
            case "update-user-objectstores":
                return users.update_user(user_id, None, _user_change(asked))
        return users.delete_user(user_id, None)

    def know(self, asked: Request, resource_id: UUID, outcome: Outcome) -> None:
        if asked.label == "create-object-stores":
            self.ids[asked.resource] = resource_id
            self.stores.append(asked.resource)
        if asked.label in ("create-object-stores", "create-user-objectstores"):
            statement = "SELECT id FROM object_store_user WHERE resource_id = $1 AND label = $2"
            ((self.user_ids[asked.secret],),) = self.rows(statement, resource_id, asked.user_label)
            self.owners[asked.secret] = asked.resource
        assert (outcome.secret is not None) == bool(asked.secret and (asked.renews or asked.secret in self.owners))
        if outcome.secret is not None:
            self.hashes[asked.secret] = sha256(outcome.secret.encode()).digest()

    def compare(self) -> None:
        names = {id_: name for name, id_ in self.ids.items()}
        found = self.rows(
            "SELECT id, name, service_id, status, revision, quota_gb, tags FROM resource JOIN object_store"
            " ON resource_id = id WHERE type = 'OBJECT_STORE' AND name LIKE $1",
            f"cos-alpha-{self.prefix}%",
        )
        services = {self.platform.shop.shop: "shop", self.platform.shop.depot: "depot"}
        assert {
            names[row["id"]]: (row["name"], services[row["service_id"]], row["status"], row["quota_gb"], row["tags"])
            for row in found
        } == {
            name: (
                f"cos-alpha-{self.prefix}{store.name}", store.service, store.status, store.quota,
                "{}" if store.team is None else f'{{"team": "{store.team}"}}',
            )
            for name, store in self.ideal.stores.items()
        }  # fmt: skip
        rows = self.rows("SELECT * FROM object_store_user WHERE resource_id = ANY($1)", list(names))
        keys = {id_: key for key, id_ in self.user_ids.items()}
        renewing = {asked.user: asked.secret for asked in self.ideal.open.values() if asked.renews}
        assert {
            keys[row["id"]]: (
                names[row["resource_id"]], row["label"], row["locked"], row["secret_hash"],
                row["previous_secret_hash"], row["next_secret_hash"],
            )
            for row in rows
        } == {
            key: (
                name, user.label, user.locked, self.hashes[user.secret],
                self.hashes[user.before] if user.before else None, self.hashes.get(renewing.get(key, "")),
            )
            for name, store in self.ideal.stores.items()
            for key, user in store.users.items()
        }  # fmt: skip
        statement = "SELECT resource_id FROM operation WHERE status = 'IN_PROGRESS' AND resource_id = ANY($1)"
        assert {names[id_] for (id_,) in self.rows(statement, list(names))} == set(self.ideal.open)
        for row in found:
            store = self.ideal.stores[names[row["id"]]]
            looks = (store.status, store.quota, store.team, store.users)
            self.count_revision(names[row["id"]], looks, row["revision"])


def _tags(asked: Request) -> tuple[tuple[str, str], ...] | None:
    return None if asked.team is None else (("team", asked.team),)


def _user_change(asked: Request) -> UserChange:
    return UserChange(asked.user_label, asked.locked, asked.renews, asked.grace)


@pytest.mark.parametrize("examples", EXAMPLES)
def test_object_stores_and_their_users_are_as_the_rules_have_it(databases: Databases, examples: int) -> None:
    hold_against_the_rules(databases, Storing, examples)
