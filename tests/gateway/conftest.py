from collections.abc import AsyncIterator

import pytest

from tests.databases import Databases
from tests.gateway import administered, privileged
from tests.gateway.administered import Administered
from tests.gateway.privileged import Privileged
from tests.gateway.renewing import Stages


@pytest.fixture(scope="session")
async def stages(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stages]:
    stages = Stages(databases, lambda: tmp_path_factory.mktemp("stage"))
    yield stages
    await stages.close()


@pytest.fixture
async def people(stages: Stages) -> Privileged:
    """People of a small database that a test may change, and whose gateway it shares with others."""
    return await stages.give(privileged.new_people, privileged.populate)


@pytest.fixture
async def console(stages: Stages) -> Administered:
    """The same with security representatives."""
    return Administered(await stages.give(administered.new_people, administered.populate))
