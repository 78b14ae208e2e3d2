"""The keys of access tokens: shown in public, and rotated beside a running gateway."""

import json
import logging
import stat
import threading
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import KeySet

from auth.issuer import MAX_OPERATOR_LIFETIME, Issuer
from auth.jwt import LEEWAY
from auth.keys import KeyFileError, SigningKey, load_retired_keys, load_signing_key, load_verification_key
from auth.tokens import JwtVerifier
from gateway.http.headers import SECURE_HEADERS
from gateway.keys import KEEP_RETIRED, KeyRing, rotate, signing_key
from gateway.postgres import DatabaseUrls
from gateway.settings import Settings
from tests.gateway.running import Gateway, fill, running
from tests.gateway.test_cli import refusal, run
from tests.resolvers.shop import Shop

JWKS = "/.well-known/jwks.json"
VIEWER = {"query": "{ viewer { email } }"}
ACCEPT = {"Accept": "application/graphql-response+json"}


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
async def filled(database: DatabaseUrls, shop: Shop) -> DatabaseUrls:
    await fill(database, shop)
    return database


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, cors_origins=["https://console.acme.example"])


@pytest.fixture
async def gateway(settings: Settings, filled: DatabaseUrls, shop: Shop) -> AsyncIterator[Gateway]:
    async with running(settings, filled, shop) as gateway:
        yield gateway


async def published(gateway: Gateway) -> list[str]:
    return [key["kid"] for key in (await gateway.client.get(JWKS)).json()["keys"]]


async def status(gateway: Gateway, token: str) -> int:
    bearer = {"Authorization": f"Bearer {token}"}
    return (await gateway.client.post("/graphql", json=VIEWER, headers=ACCEPT | bearer)).status_code


def write(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def kids(keys: Iterable[object]) -> list[str]:
    return [getattr(key, "kid", "") for key in keys]


# -- in public


async def test_the_public_keys_are_shown_to_everybody(gateway: Gateway) -> None:
    async with httpx.AsyncClient(base_url=gateway.client.base_url) as anonymous:
        answer = await anonymous.get(JWKS)
        assert (await anonymous.head(JWKS)).status_code == 200
        assert (await anonymous.post(JWKS)).status_code == 405
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert {name: answer.headers[name] for name in SECURE_HEADERS if name != "Cache-Control"} == {
        name: value for name, value in SECURE_HEADERS.items() if name != "Cache-Control"
    }
    (key,) = answer.json()["keys"]
    assert sorted(key) == ["alg", "crv", "kid", "kty", "use", "x", "y"]


async def test_another_library_verifies_our_tokens_by_the_public_keys(gateway: Gateway, shop: Shop) -> None:
    key_set = KeySet.import_key_set((await gateway.client.get(JWKS)).json())
    verified = jwt.decode(gateway.token(shop.account), key_set, algorithms=["ES256"])
    assert verified.claims["sub"] == str(shop.account)


# -- rotation


async def test_a_rotation_beside_a_running_gateway_breaks_no_token(gateway: Gateway, shop: Shop) -> None:
    before = gateway.token(shop.account)
    old = signing_key(gateway.settings).kid
    answer = run("keys", "rotate", "--data-dir", gateway.settings.data_dir)
    assert answer.status == 0, answer.stderr
    new = signing_key(gateway.settings).kid
    assert new != old
    assert new in answer.stdout
    assert old in answer.stdout
    after = gateway.token(shop.account)
    assert await published(gateway) == [new, old]
    assert [await status(gateway, token) for token in (before, after)] == [200, 200]


async def test_a_restart_after_two_rotations_still_knows_the_keys_of_both(
    settings: Settings, filled: DatabaseUrls, shop: Shop
) -> None:
    tokens = []
    for _ in range(3):
        key = signing_key(settings)
        tokens.append(Issuer(key, settings.issuer, settings.audience).issue(shop.account))
        last = key.kid
        rotate(settings)
    async with running(settings, filled, shop) as gateway:
        assert [await status(gateway, token) for token in tokens] == [200, 200, 200]
        assert len(await published(gateway)) == 4
        for path in (settings.data_dir / "keys" / "retired").glob(f"*.{last}.pem"):
            path.unlink()  # a key that others may have got is taken away, not retired
        assert last not in await published(gateway)


async def test_a_token_of_a_key_that_is_gone_is_refused(settings: Settings, filled: DatabaseUrls, shop: Shop) -> None:
    async with running(settings, filled, shop) as gateway:
        before = gateway.token(shop.account)
        rotate(settings)
        for path in (settings.data_dir / "keys" / "retired").iterdir():
            path.unlink()
        assert await status(gateway, before) == 401
        assert await status(gateway, gateway.token(shop.account)) == 200


def test_a_retired_key_verifies_until_its_last_token_has_expired(settings: Settings) -> None:
    moment = datetime.now(UTC)
    ring = KeyRing(settings, lambda: moment)
    old = ring.signing()
    issuer = Issuer(old, settings.issuer, settings.audience)
    rotation = rotate(settings)
    account = UUID(int=1)
    token = issuer.issue(account, lifetime=MAX_OPERATOR_LIFETIME, for_operator=True, now=rotation.until - KEEP_RETIRED)
    expiry = rotation.until - KEEP_RETIRED + MAX_OPERATOR_LIFETIME

    moment = expiry + LEEWAY - timedelta(seconds=2)
    assert JwtVerifier(ring, settings.issuer, settings.audience).verify(token, moment).subject == account
    moment = rotation.until - timedelta(seconds=1)
    assert kids(ring.published()) == [rotation.after.kid, old.kid]
    moment = rotation.until + timedelta(seconds=1)
    assert kids(ring.published()) == [rotation.after.kid]
    assert ring.get(old.kid) is None


def test_a_later_rotation_drops_the_keys_that_are_done_with(settings: Settings) -> None:
    folder = settings.data_dir / "keys" / "retired"
    signing_key(settings)
    first, second = rotate(settings), rotate(settings)
    (path,) = folder.glob(f"*.{first.before.kid}.pem")
    long_ago = f"{datetime.now(UTC) - KEEP_RETIRED - timedelta(minutes=1):%Y%m%dT%H%M%SZ}"
    path.rename(folder / f"{long_ago}.{first.before.kid}.pem")
    assert first.before.kid not in kids(KeyRing(settings).published())
    answer = run("keys", "rotate", "--data-dir", settings.data_dir)
    assert "Dropped 1 " in answer.stdout
    assert {retired.key.kid for retired in load_retired_keys(folder)} == {second.before.kid, second.after.kid}


def test_nothing_private_of_a_retired_key_is_kept(settings: Settings) -> None:
    signing = settings.data_dir / "keys" / "signing.pem"
    before = signing_key(settings)
    rotate(settings)
    (path,) = (settings.data_dir / "keys" / "retired").iterdir()
    assert b"PRIVATE" not in path.read_bytes()
    assert load_verification_key(path).kid == before.kid
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    files = [path for path in (settings.data_dir / "keys").rglob("*") if path.is_file()]
    assert [path for path in files if b"PRIVATE" in path.read_bytes()] == [signing]


def test_rotations_at_the_same_time_lose_no_key(settings: Settings) -> None:
    first = signing_key(settings)
    threads = [threading.Thread(target=rotate, args=[settings]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = kids(KeyRing(settings).published())
    assert len(set(found)) == 9
    assert first.kid in found


def test_readers_during_rotations_always_know_the_key_they_signed_with(settings: Settings) -> None:
    ring, other = KeyRing(settings), KeyRing(settings)
    done = threading.Event()

    def rotate_often() -> None:
        for _ in range(30):
            rotate(settings)
        done.set()

    thread = threading.Thread(target=rotate_often)
    thread.start()
    while not done.is_set():
        kid = ring.signing().kid
        assert other.get(kid) is not None
    thread.join()


def test_without_a_key_there_is_nothing_to_rotate(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refusal("keys", "rotate", "--data-dir", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_of_ones_own_is_not_rotated_for_one(tmp_path: Path) -> None:
    own = write(tmp_path / "own.pem", SigningKey.generate().private.to_pem())
    before = own.read_bytes()
    line = refusal("keys", "rotate", "--data-dir", tmp_path, ITCARE_SIGNING_KEY_FILE=str(own))
    assert "ITCARE_RETIRED_KEY_FILES" in line
    assert own.read_bytes() == before


# -- key files of one's own


async def test_keys_of_files_overlap_as_the_settings_say(
    tmp_path: Path, filled: DatabaseUrls, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, older, new = (SigningKey.generate() for _ in range(3))
    monkeypatch.setenv("ITCARE_SIGNING_KEY_FILE", str(write(tmp_path / "new.pem", new.private.to_pem())))
    public = write(tmp_path / "old.pem", old.public.to_pem(), 0o644)
    whole = write(tmp_path / "older.pem", older.private.to_pem())
    monkeypatch.setenv("ITCARE_RETIRED_KEY_FILES", f"{public}, {whole}")
    settings = Settings(data_dir=tmp_path / "data")
    tokens = [Issuer(key, settings.issuer, settings.audience).issue(shop.account) for key in (new, old, older)]
    async with running(settings, filled, shop) as gateway:
        assert await published(gateway) == [new.kid, old.kid, older.kid]
        assert [await status(gateway, token) for token in tokens] == [200, 200, 200]
    assert "PRIVATE" not in json.dumps([key.to_jwk() for key in KeyRing(settings).published()])
    assert not [key for key in KeyRing(settings).published()[1:] if isinstance(key, SigningKey)]


async def test_a_file_that_is_broken_meanwhile_leaves_the_keys_as_they_were(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    ring = KeyRing(settings)
    kid = ring.signing().kid
    path = settings.data_dir / "keys" / "signing.pem"
    write(path.with_name("draft"), b"hunter2-hunter2").replace(path)
    with caplog.at_level(logging.WARNING, "gateway.keys"):
        assert ring.signing().kid == kid
        assert ring.get(kid) is not None
    (record,) = caplog.records  # once, not at each request
    assert str(path) in record.getMessage()
    assert "hunter2" not in record.getMessage()
    rotated = SigningKey.generate()
    write(path.with_name("draft"), rotated.private.to_pem()).replace(path)
    assert ring.signing().kid == rotated.kid


def rsa_public(bits: int) -> bytes:
    return (
        rsa.generate_private_key(65537, bits)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def test_a_public_rsa_key_is_read_for_verifying(tmp_path: Path) -> None:
    assert load_verification_key(write(tmp_path / "rsa.pem", rsa_public(2048), 0o644)).algorithm == "RS256"


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (b"", 0o600, "P-256"),
        (b"hunter2-hunter2", 0o600, "P-256"),
        (rsa_public(1024), 0o600, "P-256"),
        (SigningKey.generate().public.to_pem(), 0o664, "written by others"),
        (SigningKey.generate().public.to_pem(), 0o646, "written by others"),
        (SigningKey.generate().private.to_pem(), 0o644, "read by others"),
    ],
    ids=["nothing", "text", "short RSA", "the group's", "everybody's", "a private key for all to read"],
)
def test_a_file_that_holds_no_key_to_verify_with_is_refused(
    tmp_path: Path, content: bytes, mode: int, sentence: str
) -> None:
    path = write(tmp_path / "key.pem", content, mode)
    with pytest.raises(KeyFileError, match=sentence) as caught:
        load_verification_key(path)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None
    settings = Settings(data_dir=tmp_path / "data", retired_key_files=[path])
    with pytest.raises(KeyFileError, match=sentence):
        KeyRing(settings)


def test_a_file_that_is_no_retired_key_is_left_alone(settings: Settings) -> None:
    signing_key(settings)
    rotate(settings)
    folder = settings.data_dir / "keys" / "retired"
    write(folder / "README", b"ours")
    assert len(load_retired_keys(folder)) == 1
    write(folder / "20269999T000000Z.kid.pem", b"")
    with pytest.raises(KeyFileError, match="a time that is none"):
        load_retired_keys(folder)
    assert load_signing_key(settings.data_dir / "keys" / "signing.pem")
