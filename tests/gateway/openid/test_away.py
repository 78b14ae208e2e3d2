"""While the database is away, every question has an answer, and nobody is told anything of ours."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.postgres import EmbeddedPostgres
from tests.databases import migrated_server
from tests.gateway.openid.house import REVOKE, USERINFO, Proof, opened, refused, sent_back

AWAY = "temporarily_unavailable"


@pytest.fixture
def own_server(server_folder: Path) -> Iterator[EmbeddedPostgres]:
    with migrated_server(server_folder / "away") as server:
        yield server


async def test_a_database_that_is_away_is_said_to_be(
    own_server: EmbeddedPostgres, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(own_server.urls, tmp_path) as house:
        person, program, proof = await house.person(), await house.program(), Proof()
        tokens, code = await person.tokens(), await person.code(proof)
        own_server.stop()
        with caplog.at_level(logging.WARNING):
            for answer in (
                await person.takes(code, proof),
                await person.refreshes(tokens["refresh_token"]),
                await program.asks(),
                await house.http.post(REVOKE, data={"client_id": "console", "token": tokens["refresh_token"]}),
                await house.http.get(USERINFO, headers={"Authorization": f"Bearer {tokens['access_token']}"}),
            ):
                refused(answer, AWAY, 503)
            brought = sent_back(await person.asks(proof))
        assert (brought["error"], brought["state"]) == (AWAY, proof.state)
        for secret in (code, proof.verifier, tokens["refresh_token"], tokens["access_token"], program.secret):
            assert secret not in caplog.text
