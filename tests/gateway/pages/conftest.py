import itertools
from collections.abc import AsyncIterator

import pytest

from gateway.postgres import DatabaseUrls
from tests.databases import Databases
from tests.gateway.pages.visiting import House, Visitor, house_of

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
async def house(
    database: DatabaseUrls, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    async with house_of(tmp_path_factory.mktemp("house"), database, databases) as house:
        yield house


@pytest.fixture
async def visitor(house: House, unique_address: str) -> AsyncIterator[Visitor]:
    """A browser that comes from an address of its own."""
    async with house.visitor(unique_address) as visitor:
        yield visitor


@pytest.fixture
def unique_address() -> str:
    """An address that no other test comes from."""
    number = next(NUMBERS)
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
