"""Key files: how they come to be, who may read them, and what is said when one cannot be used."""

import base64
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.jwk import ECKey, RSAKey

from auth.keys import (
    KeyFileError,
    SigningKey,
    VerificationKey,
    jwks,
    load_or_create_secret,
    load_or_create_signing_key,
    load_secret,
    load_signing_key,
)
from tests.auth.mint import Mint, joserfc_keys

Load = Callable[[Path], object]
each_load = pytest.mark.parametrize(
    "load", [load_signing_key, load_or_create_signing_key, load_secret, load_or_create_secret]
)
each_creation = pytest.mark.parametrize("create", [load_or_create_signing_key, load_or_create_secret])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write_private(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def pem(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    password: bytes | None = None,
) -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)


def refusal(load: Load, path: Path) -> str:
    with pytest.raises(KeyFileError) as caught:
        load(path)
    message = str(caught.value)
    assert str(path.parent) in message
    assert message.count(". ") == 0
    assert message.endswith(".")
    return message


def test_a_signing_key_is_generated_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "data" / "keys" / "signing.pem"
    first = load_or_create_signing_key(path)
    assert load_or_create_signing_key(path).kid == load_signing_key(path).kid == first.kid
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["signing.pem"]


def test_a_secret_is_generated_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "cursor.key"
    first = load_or_create_secret(path)
    assert len(first) == 32
    assert load_or_create_secret(path) == load_secret(path) == first
    assert base64.b64decode(path.read_bytes()) == first
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert load_or_create_secret(tmp_path / "keys" / "other.key") != first


@each_creation
def test_a_key_file_is_private_whatever_the_umask(create: Load, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "key"
    before = os.umask(0)
    try:
        create(path)
    finally:
        os.umask(before)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)


def test_processes_that_start_together_agree_on_the_keys(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from auth.keys import load_or_create_secret, load_or_create_signing_key\n"
        "print('ready', flush=True); sys.stdin.readline(); folder = Path(sys.argv[1])\n"
        "print(load_or_create_signing_key(folder / 'signing.pem').kid, load_or_create_secret(folder / 'key').hex())"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "keys")]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(6)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:  # all are past their imports: a line lets them go
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 6
    assert len(answers) == 1
    assert len(answers.pop().split()) == 2
    assert sorted(entry.name for entry in (tmp_path / "keys").iterdir()) == ["key", "signing.pem"]


@pytest.mark.parametrize("form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
def test_a_signing_key_of_ones_own_is_read_in_either_pem_form(
    tmp_path: Path, form: serialization.PrivateFormat
) -> None:
    private_key = ec.generate_private_key(ec.SECP256R1())
    path = write_private(tmp_path / "own.pem", pem(private_key, form))
    assert load_signing_key(path).kid == VerificationKey(private_key.public_key()).kid


def test_a_secret_of_ones_own_is_read_with_white_space_around_it(tmp_path: Path) -> None:
    secret = bytes(range(32))
    assert load_secret(write_private(tmp_path / "own", b"\n " + base64.b64encode(secret) + b"\r\n")) == secret


@pytest.mark.parametrize("load", [load_signing_key, load_secret])
def test_a_key_file_of_ones_own_is_never_generated(load: Load, tmp_path: Path) -> None:
    path = tmp_path / "mistyped.pem"
    assert "No such file" in refusal(load, path)
    assert not path.exists()


NOT_SIGNING_KEYS = {
    "nothing": lambda: b"",
    "text": lambda: b"hunter2-hunter2-hunter2",
    "binary": lambda: bytes(range(256)),
    "a secret": lambda: base64.b64encode(bytes(32)),
    "another curve": lambda: pem(ec.generate_private_key(ec.SECP384R1())),
    "an RSA key": lambda: pem(rsa.generate_private_key(65537, 2048)),
    "an Ed25519 key": lambda: pem(ed25519.Ed25519PrivateKey.generate()),
    "an encrypted key": lambda: pem(ec.generate_private_key(ec.SECP256R1()), password=b"hunter2-hunter2-hunter2"),
    "a damaged key": lambda: pem(ec.generate_private_key(ec.SECP256R1())).replace(b"M", b"N"),
    "a public key": lambda: (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    ),
}


@pytest.mark.parametrize("content", NOT_SIGNING_KEYS.values(), ids=NOT_SIGNING_KEYS.keys())
@pytest.mark.parametrize("load", [load_signing_key, load_or_create_signing_key])
def test_a_file_that_holds_no_signing_key_is_refused_and_kept(
    load: Load, tmp_path: Path, content: Callable[[], bytes]
) -> None:
    path = write_private(tmp_path / "signing.pem", content())
    before = path.read_bytes()
    assert "P-256" in refusal(load, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hunter2",
        bytes(32),
        base64.b64encode(bytes(31)),
        base64.b64encode(bytes(33)),
        base64.b64encode(b"\xff" * 32).rstrip(b"="),
        base64.urlsafe_b64encode(b"\xff" * 32),
        base64.b64encode(bytes(32))[:20] + b"\n" + base64.b64encode(bytes(32))[20:],
        bytes(32).hex().encode(),
    ],
    ids=["nothing", "text", "raw bytes", "31 bytes", "33 bytes", "no padding", "base64url", "two lines", "hexadecimal"],
)
@pytest.mark.parametrize("load", [load_secret, load_or_create_secret])
def test_a_file_that_holds_no_secret_is_refused_and_kept(load: Load, tmp_path: Path, content: bytes) -> None:
    path = write_private(tmp_path / "secret", content)
    assert "32 bytes in base64" in refusal(load, path)
    assert path.read_bytes() == content


def test_an_error_about_a_key_file_holds_nothing_of_its_content(tmp_path: Path) -> None:
    path = write_private(tmp_path / "key", b"hunter2-hunter2-hunter2")
    for load in (load_signing_key, load_secret):
        with pytest.raises(KeyFileError) as caught:
            load(path)
        assert "hunter2" not in repr(caught.value)
        assert caught.value.__context__ is None


def test_printing_a_signing_key_shows_nothing_of_it(mint: Mint) -> None:
    secret = f"{mint.ec_key.private_numbers().private_value:064x}"
    shown = f"{mint.signing_key!r} {mint.signing_key} {mint.signing_key.__dict__}"
    assert secret not in shown.lower()
    assert "PRIVATE KEY" not in shown


@each_load
@pytest.mark.parametrize("bits", [0o604, 0o602, 0o620, 0o644, 0o666, 0o777], ids=oct)
def test_a_key_file_open_to_others_is_refused(load: Load, tmp_path: Path, bits: int) -> None:
    path = tmp_path / "key"
    (load_or_create_secret if "secret" in getattr(load, "__name__", "") else load_or_create_signing_key)(path)
    path.chmod(bits)
    assert "chmod 600" in refusal(load, path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file root's")
@pytest.mark.parametrize("bits", [0o400, 0o440, 0o640], ids=oct)
def test_a_secret_mounted_by_root_for_a_group_is_read(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "key"
    secret = load_or_create_secret(path)
    path.chmod(bits)
    assert load_secret(path) == secret


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_a_user_that_its_group_reads_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    load_or_create_secret(path)
    os.chown(path, 65534, 65534)
    path.chmod(0o640)
    assert "chmod 600" in refusal(load_secret, path)


@each_creation
@pytest.mark.parametrize("bits", [0o720, 0o702, 0o777], ids=oct)
def test_a_key_folder_that_others_can_write_is_refused(create: Load, tmp_path: Path, bits: int) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    folder.chmod(bits)
    assert "chmod 700" in refusal(create, folder / "key")
    assert list(folder.iterdir()) == []


@each_load
def test_a_folder_in_the_place_of_a_key_file_is_refused(load: Load, tmp_path: Path) -> None:
    (tmp_path / "key").mkdir(mode=0o700)
    refusal(load, tmp_path / "key")


@each_load
def test_a_named_pipe_in_the_place_of_a_key_file_is_refused_at_once(load: Load, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key", 0o600)
    assert "regular file" in refusal(load, tmp_path / "key")


@each_creation
def test_a_file_in_the_place_of_the_key_folder_is_refused(create: Load, tmp_path: Path) -> None:
    write_private(tmp_path / "keys", b"")
    assert "cannot be created" in refusal(create, tmp_path / "keys" / "key")


@each_creation
def test_a_link_that_leads_nowhere_is_refused(create: Load, tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to(tmp_path / "gone")
    assert "No such file" in refusal(create, tmp_path / "key")
    assert not (tmp_path / "gone").exists()


def test_a_link_to_a_key_file_is_followed(tmp_path: Path) -> None:
    secret = load_or_create_secret(tmp_path / "..data")
    (tmp_path / "key").symlink_to(tmp_path / "..data")
    assert load_or_create_secret(tmp_path / "key") == secret


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
@each_load
def test_a_key_file_that_cannot_be_read_is_refused(load: Load, tmp_path: Path) -> None:
    write_private(tmp_path / "key", b"").chmod(0)
    assert "Permission denied" in refusal(load, tmp_path / "key")


def test_the_key_set_is_what_joserfc_reads(mint: Mint) -> None:
    key_set = joserfc_keys(mint.keys)
    assert [key.kid for key in key_set.keys] == [key.kid for key in mint.keys]
    assert [type(key) for key in key_set.keys] == [ECKey, RSAKey]


def test_the_key_set_holds_public_members_only(mint: Mint) -> None:
    published = json.loads(json.dumps(jwks([mint.signing_key, mint.rsa_verification_key])))
    assert [sorted(key) for key in published["keys"]] == [
        ["alg", "crv", "kid", "kty", "use", "x", "y"],
        ["alg", "e", "kid", "kty", "n", "use"],
    ]
    assert [(key["alg"], key["use"]) for key in published["keys"]] == [("ES256", "sig"), ("RS256", "sig")]


def test_a_kid_is_the_thumbprint_that_joserfc_computes(mint: Mint) -> None:
    for key in mint.keys:
        imported = joserfc_keys([key]).keys[0]
        assert imported.thumbprint() == key.kid


def test_the_thumbprint_of_rfc_7638_is_reproduced() -> None:
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
        "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
        "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a"
        "wapJzKnqDKgw"
    )
    number = int.from_bytes(base64.urlsafe_b64decode(modulus + "=="), "big")
    key = VerificationKey(rsa.RSAPublicNumbers(65537, number).public_key())
    assert key.kid == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_key_of_another_kind_is_not_taken() -> None:
    for public_key in (
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        rsa.generate_private_key(65537, 1024).public_key(),  # noqa: S505
    ):
        with pytest.raises(ValueError, match="P-256"):
            VerificationKey(public_key)
    with pytest.raises(ValueError, match="P-256"):
        SigningKey(ec.generate_private_key(ec.SECP384R1()))
