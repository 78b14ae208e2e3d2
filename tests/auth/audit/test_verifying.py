"""Whatever is done to a chain behind the gateway's back is found, in the database and in a file."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import orjson
import pytest
from jose import jws

from auth.audit import PLATFORM, append
from auth.audit.checkpoints import (
    TYPE,
    Checkpoint,
    InvalidCheckpoint,
    add_checkpoints,
    require_signed,
    sign,
)
from auth.audit.files import checkpoints_of, read_line
from auth.audit.records import canonical, hash_of
from auth.audit.verifying import Finding, Keys, verify_file
from auth.errors import Unauthenticated
from auth.issuer import Issuer
from auth.keys import SigningKey
from auth.tokens import JwtVerifier
from gateway.postgres import DatabaseUrls
from resolvers.database import Database
from resolvers.transaction import open_transaction
from tests.auth.audit.entries import entry, exported, findings, written
from tests.databases import Databases

# As the owner, and as nobody else can: with triggers and foreign keys off.
TAMPERED = "SET session_replication_role = replica; "
REMOVE = "DELETE FROM {table} WHERE chain = '{chain}'; "
FORGE = "UPDATE audit_chain SET seq = 100 WHERE chain = '{chain}'"
CUT = """
DELETE FROM audit_record WHERE chain = '{chain}' AND seq > 3;
UPDATE audit_chain h SET seq = 3, hash = r.hash FROM audit_record r
WHERE h.chain = '{chain}' AND r.chain = h.chain AND r.seq = 3;
"""
MOVE_UP = """
DELETE FROM audit_record WHERE chain = '{chain}' AND seq = 7;
UPDATE audit_record SET seq = 7 WHERE chain = '{chain}' AND seq = 8;
"""
MOVE = "UPDATE audit_record SET seq = {there} WHERE chain = '{chain}' AND seq = {here}; "
COPY = """
INSERT INTO audit_record SELECT (json_populate_record(r, json_build_object('seq', {seq}))).*
FROM audit_record r WHERE chain = '{chain}' AND seq = 4;
"""
# Chains have eight records, and a checkpoint at the fifth.
IN_THE_DATABASE = {
    "a changed record": (
        "UPDATE audit_record SET decision = 'DENIED' WHERE chain = '{chain}' AND seq = 3",
        ["3 CHANGED"],
    ),
    "a changed account": ("UPDATE audit_record SET email = 'x@y' WHERE chain = '{chain}' AND seq = 1", ["1 CHANGED"]),
    "the last record changed": ("UPDATE audit_record SET count = 2 WHERE chain = '{chain}' AND seq = 8", ["8 CHANGED"]),
    "a record without its time": (
        "UPDATE audit_record SET at = 'infinity' WHERE chain = '{chain}' AND seq = 3",
        ["3 CHANGED"],
    ),
    "a removed record": ("DELETE FROM audit_record WHERE chain = '{chain}' AND seq = 3", ["3 REMOVED"]),
    "a removed checkpointed record": ("DELETE FROM audit_record WHERE chain = '{chain}' AND seq = 5", ["5 REMOVED"]),
    "the first record removed": ("DELETE FROM audit_record WHERE chain = '{chain}' AND seq = 1", ["1 REMOVED"]),
    "a record removed and the others moved up": (
        MOVE_UP,
        ["7 CHANGED", "7 REWRITTEN", "8 TRUNCATED"],
    ),
    "two records swapped": (
        MOVE.format(here=2, there=99, chain="{chain}")
        + MOVE.format(here=3, there=2, chain="{chain}")
        + MOVE.format(here=99, there=3, chain="{chain}"),
        ["2 CHANGED", "2 REWRITTEN", "3 CHANGED", "3 REWRITTEN", "4 REWRITTEN"],
    ),
    "a record inserted at the end": (COPY.format(seq=9, chain="{chain}"), ["9 CHANGED", "9 INSERTED", "9 REWRITTEN"]),
    "the end cut off": ("DELETE FROM audit_record WHERE chain = '{chain}' AND seq > 6", ["7 TRUNCATED"]),
    "the end cut off up to before the checkpoint, with the head": (
        CUT,
        ["4 TRUNCATED"],
    ),
    "the head moved back": ("UPDATE audit_chain SET seq = 7 WHERE chain = '{chain}'", ["8 INSERTED"]),
    "the head removed": ("DELETE FROM audit_chain WHERE chain = '{chain}'", ["TRUNCATED"]),
    "everything removed but the checkpoint": (
        "DELETE FROM audit_record WHERE chain = '{chain}'; DELETE FROM audit_chain WHERE chain = '{chain}'",
        ["1 TRUNCATED", "TRUNCATED"],
    ),
    "a checkpoint moved to another record": (
        "UPDATE audit_checkpoint SET seq = 4 WHERE chain = '{chain}'",
        ["4 CHECKPOINT"],
    ),
    "a checkpoint with a signature of nobody's": (
        "UPDATE audit_checkpoint SET signature = 'a.b.c' WHERE chain = '{chain}'",
        ["5 CHECKPOINT"],
    ),
}


@pytest.fixture
async def chain(base: Database, key: SigningKey) -> UUID:
    chain = await written(base, 5)
    async with open_transaction(base) as transaction:
        assert await add_checkpoints(transaction.fetch, key, chains=[chain]) == 1
    return await written(base, 3, chain=chain)


def short(found: list[Finding]) -> list[str]:
    """Where and what, in order; without the chain, which is always there but where a file is wrong."""
    return sorted(f"{each.seq} {each.kind}" if each.seq is not None else str(each.kind) for each in found)


def in_file(lines: list[bytes], keys: Keys) -> list[Finding]:
    return list(verify_file(lines, keys))


async def test_a_chain_that_nobody_touched_holds(base: Database, chain: UUID, keys: Keys) -> None:
    assert await findings(base, [chain], keys) == []
    assert in_file(await exported(base, chain), keys) == []


@pytest.mark.parametrize("name", IN_THE_DATABASE)
async def test_tampering_is_found_in_the_database_and_in_its_export(
    name: str, base: Database, chain: UUID, keys: Keys, database: DatabaseUrls, databases: Databases
) -> None:
    untouched = await written(base, 3)
    sql, expected = IN_THE_DATABASE[name]
    databases.run(TAMPERED + sql.format(chain=chain), database)
    found = await findings(base, [chain], keys)
    assert short(found) == sorted(expected)
    assert {each.chain for each in found} == {chain}
    assert short(in_file(await exported(base, chain), keys)) == sorted(expected)
    assert await findings(base, [untouched], keys) == []


async def test_history_that_was_written_anew_with_right_hashes_is_found_by_the_checkpoint(
    base: Database, chain: UUID, keys: Keys, database: DatabaseUrls, databases: Databases
) -> None:
    removed = (REMOVE.format(table=each, chain=chain) for each in ("audit_record", "audit_chain"))
    databases.run(TAMPERED + "".join(removed), database)
    async with open_transaction(base) as transaction:
        await append(transaction.fetch, [entry(chain, label="SOMETHING_ELSE") for _ in range(8)])
    assert short(await findings(base, [chain])) == ["5 CHECKPOINT"], "without the key nothing else can be told"
    assert short(await findings(base, [chain], keys)) == ["5 REWRITTEN"]


async def test_what_an_older_export_holds_must_still_be_there(
    base: Database, chain: UUID, keys: Keys, database: DatabaseUrls, databases: Databases
) -> None:
    anchors = checkpoints_of(read_line(line[:-1]) for line in await exported(base, chain))
    tables = ("audit_checkpoint", "audit_record", "audit_chain")
    databases.run(TAMPERED + "".join(REMOVE.format(table=each, chain=chain) for each in tables), database)
    assert await findings(base, [chain], keys) == []
    assert short(await findings(base, [chain], keys, anchors=anchors)) == ["1 TRUNCATED", "TRUNCATED"]
    await written(base, 8, chain=chain)
    assert short(await findings(base, [chain], keys, anchors=anchors)) == ["5 REWRITTEN"]


# -- files: three lines before the eight records, one of them the checkpoint


def changed(lines: list[bytes]) -> list[bytes]:
    return [*lines[:5], lines[5].replace(b'"ALLOWED"', b'"DENIED"'), *lines[6:]]


def changed_with_its_hash(lines: list[bytes]) -> list[bytes]:
    content = orjson.loads(lines[5]) | {"decision": "DENIED"}
    fields = {name: value for name, value in content.items() if name not in {"hash", "previous", "type"}}
    content["hash"] = hash_of(bytes.fromhex(content["previous"]), canonical(fields)).hex()
    return [*lines[:5], canonical(content) + b"\n", *lines[6:]]


def other_signature(lines: list[bytes]) -> list[bytes]:
    content = orjson.loads(lines[2])
    made = sign(SigningKey.generate(), UUID(content["chain"]), 5, bytes.fromhex(content["hash"]), datetime.now(UTC))
    signed = content | {"signature": made.signature}
    return [*lines[:2], canonical(signed) + b"\n", *lines[3:]]


IN_A_FILE: dict[str, tuple[Callable[[list[bytes]], list[bytes]], list[str]]] = {
    "a changed record": (changed, ["3 CHANGED"]),
    "a changed record with its hash": (changed_with_its_hash, ["4 REWRITTEN"]),
    "a removed record": (lambda lines: [*lines[:5], *lines[6:]], ["3 REMOVED"]),
    "a record given twice": (lambda lines: [*lines[:6], lines[5], *lines[6:]], ["3 INSERTED"]),
    "a record that stands later": (
        lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]],
        ["3 REMOVED", "3 REORDERED"],
    ),
    "the end cut off": (lambda lines: lines[:-1], ["8 TRUNCATED"]),
    "the end cut off before the checkpoint": (lambda lines: lines[:6], ["4 TRUNCATED"]),
    "the last line cut in two": (lambda lines: [*lines[:-1], lines[-1][:40]], ["8 TRUNCATED", "FILE"]),
    "a signature of another key": (other_signature, ["5 CHECKPOINT"]),
    "all but the first line cut off": (lambda lines: lines[:1], ["TRUNCATED"]),
    "the first line removed": (lambda lines: lines[1:], ["FILE"]),
    "a line of something else": (lambda lines: [*lines, b'{"type":"x"}\n'], ["FILE"]),
    "a line that is written differently": (
        lambda lines: [*lines[:3], lines[3].replace(b":", b": ", 1), *lines[4:]],
        ["1 REMOVED", "FILE"],
    ),
    "a line with a member twice": (
        lambda lines: [*lines[:3], lines[3].replace(b"{", b'{"seq":9,', 1), *lines[4:]],
        ["1 REMOVED", "FILE"],
    ),
    "a chain given twice": (lambda lines: [*lines, *lines[1:3]], ["FILE", "FILE"]),
    "an empty file": (lambda lines: [], ["FILE"]),
}


@pytest.mark.parametrize("name", IN_A_FILE)
async def test_tampering_with_a_file_is_found(name: str, base: Database, chain: UUID, keys: Keys) -> None:
    lines = await exported(base, chain)
    assert len(lines) == 11
    tamper, expected = IN_A_FILE[name]
    assert short(in_file(tamper(lines), keys)) == sorted(expected)


async def test_a_record_of_another_chain_is_found_where_it_does_not_belong(
    base: Database, chain: UUID, keys: Keys
) -> None:
    other = await written(base, 1)
    lines = [*await exported(base, chain), (await exported(base, other))[-1]]
    (finding,) = in_file(lines, keys)
    assert str(finding).startswith(f"FILE: line 12: it is of the chain {other}")


async def test_a_file_says_what_is_wrong_in_one_line_with_chain_and_place(base: Database, keys: Keys) -> None:
    await written(base, 2, chain=PLATFORM)
    lines = await exported(base, PLATFORM)
    (finding,) = in_file(lines[:-1], keys)
    assert str(finding) == "platform 2 TRUNCATED: the head says that there were 2 records"


# -- checkpoints


def checkpoint(key: SigningKey) -> Checkpoint:
    return sign(key, uuid4(), 7, b"\1" * 32, datetime.now(UTC))


def test_a_checkpoint_is_signed_as_a_whole(key: SigningKey, keys: Keys) -> None:
    signed = checkpoint(key)
    require_signed(signed, keys)
    for other in (
        replace(signed, seq=8),
        replace(signed, chain=uuid4()),
        replace(signed, hash=b"\2" * 32),
        replace(signed, signed_at=datetime(2026, 1, 1, tzinfo=UTC)),
        replace(signed, signature=checkpoint(key).signature),
    ):
        with pytest.raises(InvalidCheckpoint, match="over something else"):
            require_signed(other, keys)
    with pytest.raises(InvalidCheckpoint, match="not known here"):
        require_signed(signed, {})


@pytest.mark.parametrize(
    "headers", [{"typ": "at+jwt"}, {"typ": TYPE, "crit": ["b64"]}, {"typ": TYPE, "jwk": {}}], ids=str
)
def test_what_was_signed_as_something_else_is_no_checkpoint(
    headers: dict[str, object], key: SigningKey, keys: Keys
) -> None:
    signed = checkpoint(key)
    payload = orjson.loads(jws.verify(signed.signature, key.public, ["ES256"]))
    other = jws.sign(payload, key.private, headers={**headers, "kid": key.kid}, algorithm="ES256")
    with pytest.raises(InvalidCheckpoint, match="not that of a checkpoint"):
        require_signed(replace(signed, signature=other), keys)


def test_a_checkpoint_is_no_access_token_and_a_token_no_checkpoint(key: SigningKey, keys: Keys) -> None:
    now = datetime.now(UTC)
    with pytest.raises(Unauthenticated):
        JwtVerifier([key], "itcare", "itcare").verify(checkpoint(key).signature, now)
    token = Issuer(key, "itcare", "itcare").issue(uuid4())
    with pytest.raises(InvalidCheckpoint):
        require_signed(replace(checkpoint(key), signature=token), keys)


async def test_only_chains_that_have_grown_enough_are_signed(base: Database, key: SigningKey, keys: Keys) -> None:
    async def signed(*chains: UUID, least: int) -> int:
        async with open_transaction(base) as transaction:
            return await add_checkpoints(transaction.fetch, key, chains=chains, least=least)

    small, large = await written(base, 2), await written(base, 9)
    assert await signed(small, large, least=5) == 1
    assert await signed(small, large, least=5) == 0
    assert await signed(small, large, least=1) == 1
    await written(base, 1, chain=small)
    assert await signed(small, large, least=1) == 1
    assert await findings(base, [small, large], keys) == []


async def test_a_head_that_was_tampered_with_does_not_keep_the_others_from_being_signed(
    base: Database, key: SigningKey, database: DatabaseUrls, databases: Databases
) -> None:
    forged, honest = await written(base, 1), await written(base, 1)
    databases.run(FORGE.format(chain=forged), database)
    async with open_transaction(base) as transaction:
        assert await add_checkpoints(transaction.fetch, key, chains=[forged, honest]) == 1
