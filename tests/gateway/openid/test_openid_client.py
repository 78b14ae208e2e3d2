"""openid-client, in JavaScript, signs in to the gateway: what it checks, nobody here wrote."""

import asyncio
import hashlib
import json
import os
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from gateway.web.node import Node, NodeError, find_node, locked
from tests.gateway.openid.house import BACK, CONSOLE, PASSWORD, House

FOLDER = Path(__file__).with_name("javascript")


@pytest.fixture(scope="module")
def node() -> Node:
    """A Node, with the packages of the folder."""
    stamp = FOLDER / "node_modules" / ".stamp"
    digest = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    try:
        with locked():
            node = find_node(lambda _: None)
            if not stamp.is_file() or stamp.read_text() != digest:
                node.install(folder=FOLDER)
                stamp.write_text(digest)
    except (NodeError, OSError) as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"There is no Node to be had: {error}")
        pytest.skip(f"There is no Node to be had: {error}")
    return node


async def test_openid_client_signs_in_as_a_frontend_and_as_a_program(house: House, node: Node) -> None:
    person, program, key = await house.person(), await house.program(), ECKey.generate_key("P-256", auto_kid=True)
    await person.choose_password()
    await program.add_key(key)
    given = {
        "url": house.url,
        "clientId": CONSOLE,
        "redirectUri": BACK,
        "email": f"{person.account}@acme.example",
        "password": PASSWORD,
        "accountId": str(program.account),
        "secret": program.secret,
        "key": key.as_dict(private=True),
    }
    process = await asyncio.create_subprocess_exec(
        node.executable,
        FOLDER / "client.mjs",
        json.dumps(given),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found, reader = json.loads(output), f"{program.account}@acme.example"
    assert found["frontend"] == {
        "user": {"sub": str(person.account), "email": f"{person.account}@acme.example", "email_verified": True},
        "seen": f"{person.account}@acme.example",
        "refused": "invalid_grant",
        "afterwards": None,
        "left": BACK,
    }
    assert found["program"] == dict.fromkeys(("client_secret_basic", "client_secret_post", "private_key_jwt"), reader)
