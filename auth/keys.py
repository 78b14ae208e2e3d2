"""Keys on disk: the ES256 key that signs access tokens, the public keys that verify them, and 32-byte secrets.

A key file is mode 0600 in a folder of mode 0700. It appears whole or not at all, and its content never changes, so
processes that start together agree on one key. A rotation puts another file in its place, after the public half of the
key that was there has been kept among the retired ones, which verify what it signed.
"""

import base64
import binascii
import fcntl
import hashlib
import json
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk
from jose.backends.base import Key
from jose.utils import base64url_encode

SECRET_BYTES = 32
MIN_RSA_BITS = 2048
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_RETIRED_AT = "%Y%m%dT%H%M%SZ"
_RETIRED = re.compile(r"(\d{8}T\d{6}Z)\.[A-Za-z0-9_-]+\.pem", re.ASCII)


class KeyFileError(Exception):
    """A key file cannot be used; the message is one sentence for the operator, with the path and no secret."""


class VerificationKey:
    """A public key and the one algorithm it may be used with: P-256 with ES256, RSA of 2048 bits or more with RS256.

    Raises:
        ValueError: for any other key.
    """

    def __init__(self, public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> None:
        self.algorithm = _algorithm_of(public_key)
        # Built here, once, from the key's own type: python-jose would take a public key's text for an HMAC secret too.
        self.public: Key = jwk.construct(
            public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
            self.algorithm,
        )
        self.kid = _thumbprint(self.public.to_dict())

    def to_jwk(self) -> dict[str, str]:
        """The public key as a JSON Web Key (RFC 7517), with `kid`, `alg` and `use`."""
        return {**self.public.to_dict(), "kid": self.kid, "use": "sig"}


class SigningKey(VerificationKey):
    """A P-256 key pair that signs with ES256; where a `VerificationKey` is asked for, its public half serves.

    Raises:
        ValueError: if the key is on another curve.
    """

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        super().__init__(private_key.public_key())
        self.private: Key = jwk.construct(_pem_of(private_key), self.algorithm)

    @classmethod
    def generate(cls) -> Self:
        """A new random key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))


@dataclass(frozen=True, slots=True)
class RetiredKey:
    """A key that signs no more, and since when; what it signed before is still verified."""

    key: VerificationKey
    retired_at: datetime


def jwks(keys: Iterable[VerificationKey]) -> dict[str, list[dict[str, str]]]:
    """The JSON Web Key Set of `keys`: public parts only; during a rotation the old and the new key are both in it."""
    return {"keys": [key.to_jwk() for key in keys]}


def load_signing_key(path: Path) -> SigningKey:
    """Reads the ES256 key from a PEM file, unencrypted, PKCS #8 or SEC 1.

    Raises:
        KeyFileError: the file is missing, unreadable, open to others, or holds something else.
    """
    content = read_private(path)
    try:
        private_key = serialization.load_pem_private_key(content, password=None)
        if isinstance(private_key, ec.EllipticCurvePrivateKey):
            return SigningKey(private_key)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    # Outside the handler, so that no parser's error, which may quote what it read, hangs on to this one.
    raise KeyFileError(f"The key file {path} does not hold an unencrypted PEM private key on the curve P-256 (ES256).")


def load_or_create_signing_key(path: Path) -> SigningKey:
    """Reads the ES256 key at `path`, after generating it there if there is no file.

    Raises:
        KeyFileError: as `load_signing_key`; or the folder cannot be written, or can be by others.
    """
    _create_once(path, lambda: SigningKey.generate().private.to_pem())
    return load_signing_key(path)


def load_verification_key(path: Path) -> VerificationKey:
    """Reads the public key of a PEM file: a public key, which all may read, or the public half of an ES256 key.

    Raises:
        KeyFileError: the file is missing, unreadable, can be written by others, or holds something else.
    """
    content = _read(path, WRITABLE_BY_OTHERS, "written")
    if b"PRIVATE KEY" in content:
        content = load_signing_key(path).public.to_pem()
    try:
        public_key = serialization.load_pem_public_key(content)
        if isinstance(public_key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
            return VerificationKey(public_key)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    raise KeyFileError(f"The key file {path} does not hold a PEM key on the curve P-256 or a public RSA key.")


def rotate_signing_key(path: Path, retired: Path, now: datetime) -> tuple[SigningKey, VerificationKey]:
    """Puts a new ES256 key at `path`, and keeps the public half of the one before in the folder `retired`.

    Gives the new key and the one before, of which nothing private is left. Whoever reads the new key, and then the
    folder, finds the one before; of rotations at the same time, each retires the key of the one before it.

    Raises:
        KeyFileError: as `load_signing_key`; or the folder cannot be written, or can be by others.
    """
    with _alone_in(path.parent):
        before = load_signing_key(path)
        _create_once(retired / f"{now.astimezone(UTC):{_RETIRED_AT}}.{before.kid}.pem", before.public.to_pem)
        after = SigningKey.generate()
        _replace(path, after.private.to_pem())
    return after, VerificationKey(_public_half(before))


def load_retired_keys(folder: Path) -> list[RetiredKey]:
    """Reads the keys that rotations have kept in a folder, the oldest first; none if there is no folder.

    Raises:
        KeyFileError: as `load_verification_key`, for any of them; or the folder cannot be read.
    """
    return [RetiredKey(load_verification_key(path), at) for path, at in _retired_files(folder)]


def drop_retired_keys(folder: Path, before: datetime) -> int:
    """Deletes the keys that were retired earlier than `before`, and tells how many."""
    dropped = [path for path, retired_at in _retired_files(folder) if retired_at < before]
    for path in dropped:
        path.unlink(missing_ok=True)
    return len(dropped)


def load_secret(path: Path) -> bytes:
    """Reads a secret of 32 bytes, written as standard base64 (`openssl rand -base64 32`).

    Raises:
        KeyFileError: the file is missing, unreadable, open to others, or holds something else.
    """
    content = read_private(path)
    try:
        secret = base64.b64decode(content.strip(), validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise KeyFileError(f"The key file {path} does not hold {SECRET_BYTES} bytes in base64.")
    return secret


def load_or_create_secret(path: Path) -> bytes:
    """Reads the secret of 32 bytes at `path`, after generating it there if there is no file.

    Raises:
        KeyFileError: as `load_secret`; or the folder cannot be written, or can be by others.
    """
    _create_once(path, lambda: base64.b64encode(secrets.token_bytes(SECRET_BYTES)) + b"\n")
    return load_secret(path)


def _algorithm_of(public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> str:
    if isinstance(public_key, ec.EllipticCurvePublicKey) and isinstance(public_key.curve, ec.SECP256R1):
        return "ES256"
    if isinstance(public_key, rsa.RSAPublicKey) and public_key.key_size >= MIN_RSA_BITS:
        return "RS256"
    raise ValueError(f"A key for access tokens is on the curve P-256, or RSA of at least {MIN_RSA_BITS} bits.")


def _thumbprint(public_jwk: dict[str, str]) -> str:
    """RFC 7638: SHA-256 of the members that make the key, in the order of their names and without white space."""
    required = ("crv", "kty", "x", "y") if public_jwk["kty"] == "EC" else ("e", "kty", "n")
    canonical = json.dumps({name: public_jwk[name] for name in required}, separators=(",", ":"))
    return base64url_encode(hashlib.sha256(canonical.encode("ascii")).digest()).decode("ascii")


def _pem_of(private_key: ec.EllipticCurvePrivateKey) -> bytes:
    return private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_half(key: VerificationKey) -> ec.EllipticCurvePublicKey:
    public_key = serialization.load_pem_public_key(key.public.to_pem())
    if not isinstance(public_key, ec.EllipticCurvePublicKey):
        raise TypeError("not a key on a curve")
    return public_key


def _retired_files(folder: Path) -> list[tuple[Path, datetime]]:
    """The files of retired keys, whose names say when they were retired; others are none of ours."""
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise KeyFileError(f"The key folder {folder} cannot be read: {error.strerror}.") from error
    found = [(path, match[1]) for path in paths if (match := _RETIRED.fullmatch(path.name))]
    try:
        return [(path, datetime.strptime(at, _RETIRED_AT).replace(tzinfo=UTC)) for path, at in found]
    except ValueError:
        raise KeyFileError(f"The key folder {folder} holds a file that is named for a time that is none.") from None


def read_private(path: Path) -> bytes:
    """Reads a file that only its owner can read; raises KeyFileError if it cannot be read, or others can."""
    return _read(path, stat.S_IRWXG | stat.S_IRWXO, "read")


def _read(path: Path, forbidden: int, by_others: str) -> bytes:
    """Reads a regular file whose mode allows nobody else what is forbidden."""
    try:
        # Not blocking: opening a named pipe would wait for a writer for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise KeyFileError(f"The key file {path} is not a regular file.")
            if _open_to_others(status, forbidden):
                raise KeyFileError(
                    f"The key file {path} can be {by_others} by others; allow its owner only (chmod 600)."
                )
            return file.read()
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be read: {error.strerror}.") from error


def _open_to_others(status: os.stat_result, forbidden: int) -> bool:
    """PostgreSQL's rule for its own key: 0600; or 0640 if root owns it, as orchestrators mount secrets."""
    allowed = stat.S_IRGRP if status.st_uid == 0 else 0
    return bool(stat.S_IMODE(status.st_mode) & forbidden & ~allowed)


def _create_once(path: Path, content: Callable[[], bytes]) -> None:
    """Writes `content()` to `path` unless a file is there; of processes that race, one wins and all read its file."""
    folder = path.parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & WRITABLE_BY_OTHERS:
            raise KeyFileError(f"The key folder {folder} can be written by others; allow its owner only (chmod 700).")
        if path.exists():
            return
        with _draft(path, content()) as draft, suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename, never replaces the file of a process that was faster
        _sync(folder)
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be created: {error.strerror}.") from error


def _replace(path: Path, content: bytes) -> None:
    """Puts a file with that content in the place of the one at `path`."""
    try:
        with _draft(path, content) as draft:
            draft.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be replaced: {error.strerror}.") from error


@contextmanager
def _draft(path: Path, content: bytes) -> Iterator[Path]:
    """A whole file beside `path`, to be given its name; it is gone when the block ends."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Lets no other process that does the same into the folder until the block ends."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise KeyFileError(f"The key folder {folder} cannot be read: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    """Makes a new name in `folder` survive a power cut: what the key has signed or sealed will be shown again."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
