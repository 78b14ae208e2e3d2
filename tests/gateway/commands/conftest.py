from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from tests.databases import Databases
from tests.gateway.privileged import Privileged, privileged


@pytest.fixture
async def people(tmp_path: Path, databases: Databases) -> AsyncIterator[Privileged]:
    urls: DatabaseUrls = databases.make()
    async with privileged(Settings(data_dir=tmp_path, pool_size=4), urls) as found:
        yield found
    databases.drop(urls)
