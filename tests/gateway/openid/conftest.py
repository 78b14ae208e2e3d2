from collections.abc import AsyncIterator

import pytest

from gateway.postgres import DatabaseUrls
from tests.gateway.openid.house import House, opened


@pytest.fixture(scope="module")
async def house(database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with opened(database, tmp_path_factory.mktemp("keys")) as opened_house:
        yield opened_house
