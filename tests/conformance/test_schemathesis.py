"""What Schemathesis generates from the schema is answered: never with a fault, and refused by a code that says why."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from schema.build import build_schema
from tests.gateway.running import Gateway, fill, running
from tests.resolvers.shop import Shop

CONFIG = Path(__file__).parents[2] / "schemathesis.toml"


@pytest.fixture(scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory, database: DatabaseUrls) -> AsyncIterator[Gateway]:
    shop = Shop()
    await fill(database, shop)
    async with running(Settings(data_dir=tmp_path_factory.mktemp("gateway")), database, shop) as gateway:
        yield gateway


def root_fields() -> list[str]:
    schema = build_schema()._schema
    assert schema.query_type
    assert schema.mutation_type
    return [*schema.query_type.fields, *schema.mutation_type.fields]


async def schemathesis(gateway: Gateway, folder: Path, examples: int, *options: str) -> tuple[int | None, str]:
    """Run so many examples of each root field as our one person; give the exit status and what is printed."""
    url, authorization = str(gateway.client.base_url.join("/graphql")), gateway.client.headers["authorization"]
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("schemathesis")), *options, "run", url),
        *("--max-examples", str(examples), "--seed", "7", "--no-color", "-H", f"Authorization: {authorization}"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode, printed.decode()


@pytest.mark.parametrize("examples", [3, pytest.param(30, marks=pytest.mark.long)])
async def test_no_check_fails(gateway: Gateway, tmp_path: Path, examples: int) -> None:
    status, printed = await schemathesis(gateway, tmp_path, examples, "--config-file", str(CONFIG))
    assert status == 0, printed
    assert f"{len(root_fields()) * examples} passed" in printed


@pytest.mark.long
async def test_what_fits_the_schema_is_refused_only_as_bad_input(gateway: Gateway, tmp_path: Path) -> None:
    """The check that is disabled says nothing but that: a request that the schema allows was a client's error."""
    _, printed = await schemathesis(gateway, tmp_path, 30)
    found = [line for line in printed.splitlines() if line.startswith("- ST")]
    assert set(found) == {"- ST206 GraphQL client error"}, printed
    bodies = [line for line in printed.splitlines() if '"errors":[{' in line]
    assert len(bodies) == len(found)
    assert [body for body in bodies if '"code":"BAD_USER_INPUT"' not in body] == []
