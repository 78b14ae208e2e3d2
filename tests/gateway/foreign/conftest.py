from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from auth.foreign_tokens import ForeignIssuer
from gateway.postgres import DatabaseUrls
from gateway.settings import OpenIdSettings
from tests.gateway.foreign.door import ABSENT, Door
from tests.gateway.foreign.realm import AUDIENCE, serving_realm
from tests.gateway.openid.house import CLIENTS, opened


@pytest.fixture(scope="module")
async def door(database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    async with AsyncExitStack() as stack:
        plain, gold, down, slow = [await stack.enter_async_context(serving_realm()) for _ in range(4)]
        issuers = {
            plain.issuer: ForeignIssuer(audience=AUDIENCE),
            gold.issuer: ForeignIssuer(audience=AUDIENCE, mfa={"acr": ["gold"]}),
            down.issuer: ForeignIssuer(audience=AUDIENCE),
            slow.issuer: ForeignIssuer(audience=AUDIENCE),
            ABSENT: ForeignIssuer(audience=AUDIENCE),
        }
        house = await stack.enter_async_context(
            opened(
                database,
                tmp_path_factory.mktemp("keys"),
                openid=OpenIdSettings(clients=CLIENTS, foreign_issuers=issuers),
                egress_hosts=[issuer.removeprefix("http://").partition("/")[0] for issuer in issuers],
                egress_plain_loopback=True,
            )
        )
        yield Door(house, plain, gold, down, slow)
