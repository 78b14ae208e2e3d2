"""How passwords are kept: hashed under a pepper, at a cost that can be raised, with the same work for nobody."""

import asyncio
import hashlib
import secrets
from pathlib import Path

import pytest
from argon2 import Parameters, extract_parameters

from auth.identity.password_policy import BreachFile, Weakness
from auth.identity.passwords import LEAST_MEMORY_KIB, LEAST_PASSES, Cost, Passwords

CHEAP = Cost(LEAST_MEMORY_KIB, LEAST_PASSES)
PEPPER, OTHER = secrets.token_bytes(32), secrets.token_bytes(32)
PASSWORD = "a rather long phrase of ours"


@pytest.fixture
def passwords() -> Passwords:
    return Passwords([PEPPER], CHEAP)


async def test_a_password_is_verified_by_its_hash_and_by_no_other(passwords: Passwords) -> None:
    kept = await passwords.hash(PASSWORD)
    assert await passwords.verify(PASSWORD, kept)
    assert not await passwords.verify(PASSWORD + " ", kept)
    assert not await passwords.verify(PASSWORD, await passwords.hash("another phrase of ours"))
    assert kept != await passwords.hash(PASSWORD)
    assert PASSWORD not in kept


async def test_the_hash_is_argon2id_at_the_cost_that_was_asked_for(passwords: Passwords) -> None:
    encoded = (await passwords.hash(PASSWORD)).partition(":")[2]
    parameters: Parameters = extract_parameters(encoded)
    assert encoded.startswith("$argon2id$")
    assert (parameters.memory_cost, parameters.time_cost) == (LEAST_MEMORY_KIB, LEAST_PASSES)


async def test_two_spellings_are_one_password(passwords: Passwords) -> None:
    assert await passwords.verify("caf\u00e9 au lait, please", await passwords.hash("cafe\u0301 au lait, please"))


async def test_without_the_pepper_no_password_is_right(passwords: Passwords) -> None:
    kept = await passwords.hash(PASSWORD)
    assert not await Passwords([OTHER], CHEAP).verify(PASSWORD, kept)
    renamed = f"{(await Passwords([OTHER], CHEAP).hash(PASSWORD)).partition(':')[0]}:{kept.partition(':')[2]}"
    assert not await Passwords([OTHER], CHEAP).verify(PASSWORD, renamed)


async def test_a_retired_pepper_still_verifies_and_asks_for_the_hash_to_be_made_anew(passwords: Passwords) -> None:
    kept = await passwords.hash(PASSWORD)
    rotated = Passwords([OTHER, PEPPER], CHEAP)
    assert await rotated.verify(PASSWORD, kept)
    assert rotated.is_outdated(kept)
    renewed = await rotated.hash(PASSWORD)
    assert not rotated.is_outdated(renewed)
    assert await Passwords([OTHER], CHEAP).verify(PASSWORD, renewed)


async def test_another_cost_asks_for_the_hash_to_be_made_anew(passwords: Passwords) -> None:
    kept = await passwords.hash(PASSWORD)
    assert not passwords.is_outdated(kept)
    dearer = Passwords([PEPPER], Cost(LEAST_MEMORY_KIB, LEAST_PASSES + 1))
    assert dearer.is_outdated(kept)
    assert await dearer.verify(PASSWORD, kept)


async def test_a_hash_that_is_none_is_no_fault_and_no_password(passwords: Passwords) -> None:
    name = (await passwords.hash(PASSWORD)).partition(":")[0]
    for kept in ("", "x", f"{name}:", f"{name}:$argon2id$v=19$m=8,t=1,p=1$x$y", f"{name}:{PASSWORD}"):
        assert not await passwords.verify(PASSWORD, kept)


async def test_for_an_account_without_a_password_a_dummy_is_verified(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = []
    verify = passwords._verify

    def watched(password: str, kept: str) -> bool:
        verified.append(kept)
        return verify(password, kept)

    monkeypatch.setattr(passwords, "_verify", watched)
    assert not await passwords.verify(PASSWORD, None)
    (dummy,) = verified
    parameters = extract_parameters(dummy.partition(":")[2])
    assert (parameters.memory_cost, parameters.time_cost) == (LEAST_MEMORY_KIB, LEAST_PASSES)


async def test_no_more_are_hashed_at_a_time_than_is_allowed_and_the_loop_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passwords = Passwords([PEPPER], CHEAP, at_once=2)
    running, most = 0, 0
    real = passwords._hash

    def watched(password: str) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return real(password)
        finally:
            running -= 1

    monkeypatch.setattr(passwords, "_hash", watched)
    turns = 0
    hashing = asyncio.gather(*(passwords.hash(PASSWORD) for _ in range(6)))
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    await hashing
    assert most == 2
    assert turns > 6


async def test_a_breached_password_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "breached.txt"
    path.write_text(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper() + ":3\n")
    passwords = Passwords([PEPPER], CHEAP, breaches=BreachFile(path))
    assert await passwords.weakness(PASSWORD, ()) is Weakness.BREACHED
    assert await passwords.weakness("another phrase of ours", ()) is None
