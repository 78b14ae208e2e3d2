"""Where something can be created: in which Service, under which name, in which zones, data centers and environments."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import NullPool, insert, text
from sqlalchemy.ext.asyncio import create_async_engine

from auth.decisions import Asker, Grant, decide
from auth.errors import NotFound
from auth.permissions import Action
from auth.principal import Principals, set_scope
from auth.tables import Factor, table
from gateway.postgres import DatabaseUrls
from resolvers.commands import placing
from resolvers.commands.outcome import Refused, UserError, UserErrorCode
from resolvers.commands.placing import Wrong, check_name, check_tags
from resolvers.database import Database
from resolvers.transaction import Transaction, open_transaction
from tests.databases import Databases
from tests.resolvers.shop import NOON, Shop, load_shop

T = TypeVar("T")
Asked = Callable[[Transaction, Grant], Awaitable[T]]


class Placing:
    """Asks where something can be created, as the account of the shop."""

    def __init__(self, base: Database, shop: Shop) -> None:
        self.base, self.shop = base, shop

    async def ask(self, asked: Asked[T]) -> T:
        async with open_transaction(self.base) as transaction:
            rows = await set_scope(transaction.fetch, self.shop.account)
            now = datetime.now(UTC)
            asker = Asker(Principals().of(self.shop.account, rows), now)
            grant = decide(asker, Action.CREATE_INSTANCE, self.shop.alpha, now)
            assert isinstance(grant, Grant)
            return await asked(transaction, grant)

    async def refused(self, asked: Asked[Any]) -> list[tuple[str, tuple[str, ...] | None]]:
        with pytest.raises(Refused) as refused:
            await self.ask(asked)
        return [(error.code.value, error.field) for error in refused.value.errors]


@pytest.fixture(params=[False, True], ids=["client", "group"])
def is_group(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def placing_of(databases: Databases) -> AsyncIterator[Callable[[bool], Awaitable[Placing]]]:
    urls: DatabaseUrls = databases.make()
    shop, base = Shop(), Database(urls.app, pool_size=2, statement_seconds=20)

    async def give(is_group: bool = False) -> Placing:
        owner = create_async_engine(urls.owner, poolclass=NullPool)
        async with owner.begin() as connection:
            await load_shop(connection, shop)
            factor = Factor(account_id=shop.account, kind="TOTP", label="phone", secret=b"sealed", confirmed_at=NOON)
            await connection.execute(insert(table(Factor)).values(factor.model_dump()))
            await connection.execute(text("UPDATE organization SET is_group = :is_group"), {"is_group": is_group})
            # A data center whose zones are all for the group.
            await connection.execute(text("UPDATE availability_zone SET audience = 'GROUP' WHERE code = 'EB-HDS-C'"))
        return Placing(base, shop)

    yield give
    await base.close()
    databases.drop(urls)


async def test_a_zone_is_found_with_its_data_center(placing_of: Callable[..., Awaitable[Placing]]) -> None:
    asked = await placing_of()
    found = await asked.ask(lambda t, grant: placing.open_zone(t, grant, "EB-HDS-A"))
    assert found == ("EB-HDS-A", "EB4", "EB")
    assert await asked.ask(lambda t, grant: placing.open_data_center(t, grant, "ET2")) == ("ET2", "ET")


async def test_places_for_the_group_are_as_if_they_were_not_for_everybody_else(
    placing_of: Callable[..., Awaitable[Placing]], is_group: bool
) -> None:
    asked = await placing_of(is_group)
    places: tuple[tuple[Any, str, str], ...] = (
        (placing.open_zone, "EB-A", "availabilityZone"),
        (placing.open_data_center, "EB5", "dataCenter"),
    )
    for ask, code, field in places:
        if is_group:
            assert (await asked.ask(partial(ask, code=code)))[0] == code
            continue
        messages = set()
        for closed in (code, "", "nowhere", "eb-hds-a", "x" * 100_000):
            with pytest.raises(Refused) as refused:
                await asked.ask(partial(ask, code=closed))
            messages.add(refused.value.errors)
        ((error,),) = messages
        assert (error.code, error.field) == (UserErrorCode.PLACE_NOT_OPEN, (field,))


async def test_a_service_of_the_cloud_is_held_if_the_name_is_free_in_it(
    placing_of: Callable[..., Awaitable[Placing]],
) -> None:
    asked = await placing_of()
    shop = asked.shop

    def held(service: UUID, name: str) -> Asked[None]:
        return lambda t, grant: placing.lock_service(t, grant, service, name)

    await asked.ask(held(shop.shop, "web-02"))
    await asked.ask(held(shop.depot, "web-01"))
    assert await asked.refused(held(shop.shop, "web-01")) == [("NAME_TAKEN", ("name",))]
    for service in (shop.service_of_beta, shop.service_of_omega, uuid4()):
        with pytest.raises(NotFound):
            await asked.ask(held(service, "web-02"))


async def test_everything_that_is_wrong_is_told_at_once(placing_of: Callable[..., Awaitable[Placing]]) -> None:
    asked = await placing_of()

    async def create(transaction: Transaction, grant: Grant) -> None:
        wrong = Wrong()
        with wrong:
            await placing.lock_service(transaction, grant, asked.shop.shop, "spare")
        with wrong:
            await placing.open_zone(transaction, grant, "EB-A", ("nodes", "0", "availabilityZone"))
        with wrong:
            await placing.known_environment(transaction, "production")
        with wrong:
            await placing.known_environment(transaction, "Production")
        wrong.refuse()

    assert await asked.refused(create) == [
        ("NAME_TAKEN", ("name",)),
        ("PLACE_NOT_OPEN", ("nodes", "0", "availabilityZone")),
        ("NOT_FOUND", ("environment",)),
    ]


def test_what_is_not_a_refusal_is_not_collected() -> None:
    with pytest.raises(NotFound), Wrong():
        raise NotFound("Service")


def places_of(errors: list[UserError]) -> list[tuple[str, ...] | None]:
    assert {error.code for error in errors} <= {UserErrorCode.INVALID_VALUE}
    return [error.field for error in errors]


@pytest.mark.parametrize("name", ["", " ", "a/b", " a", "a ", "a\nb", "a\x00", "\ud800", "x" * 201])
def test_a_name_that_cannot_be(name: str) -> None:
    assert places_of(check_name(name)) == [("name",)]


@pytest.mark.parametrize("name", ["a", "été 2026", "名前", 'say "no"', "x" * 200])
def test_a_name_that_can_be(name: str) -> None:
    assert check_name(name) == []


@pytest.mark.parametrize(
    ("tags", "fields"),
    [
        ([(f"k{n}", "") for n in range(51)], [("tags",)]),
        ([("", "v")], [("tags", "0", "key")]),
        ([("a", "v"), ("a:b", "v")], [("tags", "1", "key")]),
        ([("!a", "v")], [("tags", "0", "key")]),
        ([(" a", "v")], [("tags", "0", "key")]),
        ([("a", "v"), ("b", "v"), ("a", "w")], [("tags", "2", "key")]),
        ([("k" * 129, "v" * 257)], [("tags", "0", "key"), ("tags", "0", "value")]),
        ([("a\x00", "b\ud800")], [("tags", "0", "key"), ("tags", "0", "value")]),
    ],
)
def test_tags_that_cannot_be(tags: list[tuple[str, str]], fields: list[tuple[str, ...]]) -> None:
    assert places_of(check_tags(tags)) == fields


@given(st.lists(st.tuples(st.text(max_size=130), st.text(max_size=260)), max_size=52))
@example([("a!b", "first line\nsecond line")])
@example([(f"k{n}", "") for n in range(50)])
def test_tags_without_an_error_are_what_the_tables_take(tags: list[tuple[str, str]]) -> None:
    if check_tags(tags):
        return
    kept = dict(tags)
    assert len(kept) == len(tags) <= 50
    for key, value in kept.items():
        assert 1 <= len(key) <= 128
        assert ":" not in key
        assert not key.startswith("!")
        assert len(value) <= 256
        assert "\x00" not in key + value
        (key + value).encode()
