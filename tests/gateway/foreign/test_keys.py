"""The keys of a foreign issuer, over real HTTP: what is taken, what is not, and how often it is asked."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator

import pytest
from joserfc.jwk import ECKey
from starlette.responses import Response

from gateway.foreign_keys import FRESH_SECONDS, MOST_BYTES, REFETCH_SECONDS, ForeignKeys
from resolvers.egress import Egress
from tests.gateway.foreign.realm import CERTS, DISCOVERY, RSA_KEY, Answer, Realm, answering, saying, serving_realm


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Asking:
    """What a gateway knows of the keys of a realm."""

    def __init__(self, realm: Realm, *, seconds: float = 5) -> None:
        self.realm = realm
        self.clock = Clock()
        egress = Egress([realm.origin.removeprefix("http://")], plain_loopback=True)
        self.keys = ForeignKeys([realm.issuer], egress, clock=self.clock, seconds=seconds)

    async def look_for(self, kid: str = "ec-1") -> list[str]:
        """The ids of the keys that are known after looking for one."""
        await self.keys.look_for(self.realm.issuer, kid)
        return self.known

    @property
    def known(self) -> list[str]:
        return list(self.keys.known(self.realm.issuer).keys)

    @property
    def was_reached(self) -> bool:
        return self.keys.known(self.realm.issuer).was_reached


@pytest.fixture
async def realm() -> AsyncIterator[Realm]:
    async with serving_realm() as realm:
        yield realm


@pytest.fixture
async def asking(realm: Realm) -> AsyncIterator[Asking]:
    asking = Asking(realm)
    yield asking
    await asking.keys.close()


async def test_keys_are_found_by_discovery_and_asked_for_once(asking: Asking, realm: Realm) -> None:
    assert asking.known == []
    assert await asking.look_for() == ["ec-1"]
    assert await asking.look_for() == ["ec-1"]
    assert realm.asked == [DISCOVERY, CERTS]
    assert asking.was_reached


async def test_the_issuer_is_asked_for_a_key_that_it_has_newly(asking: Asking, realm: Realm) -> None:
    await asking.look_for()
    realm.rotate(RSA_KEY)
    asking.clock.now += REFETCH_SECONDS
    assert await asking.look_for("rsa-1") == ["rsa-1", "ec-1"]
    assert realm.fetches == 2


async def test_a_flood_of_unknown_keys_asks_once_in_half_a_minute(asking: Asking, realm: Realm) -> None:
    for number in range(50):
        await asking.look_for(f"unknown-{number}")
        asking.clock.now += 0.5
    assert realm.fetches == 1
    asking.clock.now += 5
    await asyncio.gather(*(asking.look_for(f"unknown-{number}") for number in range(50)))
    assert realm.fetches == 2
    assert asking.known == ["ec-1"]


async def test_whoever_asks_meanwhile_waits_for_the_same_answer(asking: Asking, realm: Realm) -> None:
    gate = asyncio.Event()

    async def slowly() -> Response:
        await gate.wait()
        return Response(json.dumps(realm.certs()))

    realm.answers[CERTS] = slowly
    several = [asyncio.create_task(asking.look_for()) for _ in range(20)]
    await realm.came.wait()
    several[0].cancel()
    gate.set()
    found = await asyncio.gather(*several, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [["ec-1"]] * 19
    assert realm.fetches == 1


async def test_a_key_that_is_withdrawn_is_forgotten_within_minutes(asking: Asking, realm: Realm) -> None:
    await asking.look_for()
    realm.keys = [ECKey.generate_key("P-256", {"kid": "ec-2", "use": "sig", "alg": "ES256"})]
    asking.clock.now += FRESH_SECONDS - 1
    assert await asking.look_for() == ["ec-1"]
    asking.clock.now += 1
    assert await asking.look_for() == ["ec-2"]


async def test_an_issuer_may_withdraw_all_its_keys(asking: Asking, realm: Realm) -> None:
    await asking.look_for()
    realm.answers[CERTS] = saying({"keys": []})
    asking.clock.now += FRESH_SECONDS
    assert await asking.look_for() == []
    assert asking.was_reached


async def late() -> Response:
    await asyncio.Event().wait()
    raise AssertionError


def garbage(realm: Realm) -> dict[str, tuple[str, Answer]]:
    key = realm.certs()["keys"][0]
    elsewhere = {"Location": f"{realm.issuer}/elsewhere"}
    return {
        "a discovery that is not there": (DISCOVERY, answering(404)),
        "a discovery that fails": (DISCOVERY, answering(500, json.dumps(realm.discovery()))),
        "a discovery that is elsewhere": (DISCOVERY, answering(302, headers=elsewhere)),
        "a discovery that is no JSON": (DISCOVERY, answering(200, "<html>Sign in</html>")),
        "a discovery that is a list": (DISCOVERY, saying([realm.discovery()])),
        "a discovery that is too large": (DISCOVERY, saying(realm.discovery(note="x" * MOST_BYTES))),
        "a discovery that is compressed": (
            DISCOVERY,
            answering(200, json.dumps(realm.discovery()), {"Content-Encoding": "gzip"}),
        ),
        "a discovery in bytes": (DISCOVERY, answering(200, b"\xff\xfe\0")),
        "a discovery of another issuer": (DISCOVERY, saying(realm.discovery(issuer="https://evil.example"))),
        "a discovery of an issuer with a slash": (DISCOVERY, saying(realm.discovery(issuer=f"{realm.issuer}/"))),
        "a discovery without an issuer": (DISCOVERY, saying(realm.discovery(issuer=None))),
        "a discovery with an issuer twice": (
            DISCOVERY,
            answering(200, '{"issuer":"https://evil.example",' + json.dumps(realm.discovery())[1:]),
        ),
        "no place of keys": (DISCOVERY, saying(realm.discovery(jwks_uri=None))),
        "a place of keys that is a number": (DISCOVERY, saying(realm.discovery(jwks_uri=1))),
        "keys at a host that is not listed": (DISCOVERY, saying(realm.discovery(jwks_uri="https://evil.example/jwks"))),
        "keys in a file": (DISCOVERY, saying(realm.discovery(jwks_uri="file:///etc/passwd"))),
        "keys at a neighbour": (DISCOVERY, saying(realm.discovery(jwks_uri="http://169.254.169.254/latest"))),
        "keys that are elsewhere": (CERTS, answering(307, headers=elsewhere)),
        "keys that are not there": (CERTS, answering(404)),
        "keys that fail": (CERTS, answering(503)),
        "keys that are no JSON": (CERTS, answering(200, "nothing")),
        "keys that are no set": (CERTS, saying({"keys": {"ec-1": key}})),
        "keys that are too large": (CERTS, saying({"keys": [key], "note": "x" * MOST_BYTES})),
        "too many keys": (CERTS, saying({"keys": [{**key, "kid": str(number)} for number in range(21)]})),
        "keys in too many levels": (CERTS, answering(200, "[" * 30_000 + "]" * 30_000)),
        "a number of too many digits": (CERTS, answering(200, '{"keys":' + "9" * 5000 + "}")),
    }


@pytest.mark.parametrize("name", garbage(Realm("https://a.example")))
async def test_an_answer_that_is_not_right_changes_nothing(
    name: str, asking: Asking, realm: Realm, caplog: pytest.LogCaptureFixture
) -> None:
    await asking.look_for()
    path, answer = garbage(realm)[name]
    realm.answers[path] = answer
    realm.rotate(RSA_KEY)
    asking.clock.now += REFETCH_SECONDS
    with caplog.at_level(logging.WARNING, "gateway.foreign"):
        assert await asking.look_for("rsa-1") == ["ec-1"]
    assert not asking.was_reached
    assert realm.asked.count("/realms/acme/elsewhere") == 0
    (record,) = caplog.records
    assert record.getMessage().startswith(f"The keys of the issuer {realm.issuer} cannot be had: ")
    assert "evil" not in record.getMessage()
    realm.answers.clear()
    assert await asking.look_for("rsa-1") == ["ec-1"]  # until it is time
    asking.clock.now += REFETCH_SECONDS
    assert await asking.look_for("rsa-1") == ["rsa-1", "ec-1"]
    assert asking.was_reached


@pytest.mark.parametrize("path", [DISCOVERY, CERTS])
async def test_an_issuer_that_does_not_answer_is_not_waited_for(path: str, realm: Realm) -> None:
    asking = Asking(realm, seconds=0.2)
    realm.answers[path] = late
    async with asyncio.timeout(5):
        assert await asking.look_for() == []
    assert not asking.was_reached
    await asking.keys.close()


async def test_an_answer_that_trickles_is_not_waited_for(realm: Realm) -> None:
    """Each part of it is in time, the whole is not."""
    asking = Asking(realm, seconds=0.5)

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.05)

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    asking.keys = ForeignKeys(
        [f"http://{place}/realms/acme"], Egress([place], plain_loopback=True), clock=asking.clock, seconds=0.5
    )
    async with asyncio.timeout(5):
        await asking.keys.look_for(f"http://{place}/realms/acme", "ec-1")
    assert not asking.keys.known(f"http://{place}/realms/acme").was_reached
    await asking.keys.close()
    server.close()


async def test_while_an_issuer_is_down_its_known_keys_go_on_verifying() -> None:
    async with serving_realm() as realm:
        asking = Asking(realm)
        await asking.look_for()
    asking.clock.now += FRESH_SECONDS
    assert await asking.look_for() == ["ec-1"]
    assert not asking.was_reached
    await asking.keys.close()


async def test_an_issuer_that_is_not_there_has_no_keys() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
    keys = ForeignKeys([f"http://{place}"], Egress([place], plain_loopback=True))
    await keys.look_for(f"http://{place}", "ec-1")
    assert keys.known(f"http://{place}").keys == {}
    assert not keys.known(f"http://{place}").was_reached
    await keys.close()


@pytest.mark.parametrize(
    "egress", [Egress([], plain_loopback=True), Egress(["127.0.0.1"])], ids=["not listed", "without TLS"]
)
async def test_an_issuer_that_may_not_be_called_is_not_called(egress: Egress, realm: Realm) -> None:
    keys = ForeignKeys([realm.issuer], egress)
    await keys.look_for(realm.issuer, "ec-1")
    assert (realm.asked, keys.known(realm.issuer).was_reached) == ([], False)
    await keys.close()


async def test_an_issuer_with_a_slash_at_its_end_is_found(realm: Realm) -> None:
    issuer = f"{realm.issuer}/"
    realm.answers[DISCOVERY] = saying(realm.discovery(issuer=issuer))
    keys = ForeignKeys([issuer], Egress([realm.origin.removeprefix("http://")], plain_loopback=True))
    await keys.look_for(issuer, "ec-1")
    assert list(keys.known(issuer).keys) == ["ec-1"]
    await keys.close()


async def test_what_is_being_fetched_ends_with_the_process(realm: Realm) -> None:
    asking = Asking(realm)
    realm.answers[DISCOVERY] = late
    waiting = asyncio.create_task(asking.look_for())
    await realm.came.wait()
    async with asyncio.timeout(5):
        await asking.keys.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
