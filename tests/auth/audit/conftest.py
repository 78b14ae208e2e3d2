from collections.abc import AsyncIterator

import pytest

from auth.keys import SigningKey, VerificationKey
from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from tests.auth.audit.entries import READABLE
from tests.databases import Databases


@pytest.fixture(scope="module")
async def base(database: DatabaseUrls, databases: Databases) -> AsyncIterator[Database]:
    databases.run(READABLE, database)
    base = Database(database.app, pool_size=8, statement_seconds=20)
    yield base
    await base.close()


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture(scope="session")
def keys(key: SigningKey) -> dict[str, VerificationKey]:
    return {key.kid: key}
