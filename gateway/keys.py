"""The secrets of the process: from the files that settings name, or made once in the data folder."""

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from auth.issuer import MAX_OPERATOR_LIFETIME
from auth.jwt import LEEWAY
from auth.keys import (
    KeyFileError,
    SigningKey,
    VerificationKey,
    drop_retired_keys,
    load_or_create_secret,
    load_or_create_signing_key,
    load_retired_keys,
    load_secret,
    load_signing_key,
    load_verification_key,
    rotate_signing_key,
)
from auth.mfa.sealing import OPERATIONS, SecretSeal
from auth.signatures import MessageKeyFile
from auth.tables import now
from gateway.settings import Settings

KEEP_RETIRED: Final = MAX_OPERATOR_LIFETIME + LEEWAY + timedelta(minutes=1)
"""How long a retired key verifies: as long as any token of it is valid, signed at the last moment."""

_log = logging.getLogger("gateway.keys")


def signing_key(settings: Settings) -> SigningKey:
    """Give the key that signs access tokens; raises KeyFileError."""
    if settings.signing_key_file is not None:
        return load_signing_key(settings.signing_key_file)
    return load_or_create_signing_key(_signing_path(settings))


def cursor_key(settings: Settings) -> bytes:
    """Give the key that authenticates cursors; raises KeyFileError."""
    if settings.cursor_key_file is not None:
        return load_secret(settings.cursor_key_file)
    return load_or_create_secret(settings.data_dir / "keys" / "cursor.key")


def mfa_key(settings: Settings) -> bytes:
    """Give the key that seals the secrets of second factors; raises KeyFileError."""
    if settings.mfa_key_file is not None:
        return load_secret(settings.mfa_key_file)
    return load_or_create_secret(settings.data_dir / "keys" / "mfa.key")


def peppers(settings: Settings) -> list[bytes]:
    """Give the keys that passwords are hashed under, the one for new ones first; raises KeyFileError."""
    given = settings.pepper_key_file
    path = settings.data_dir / "keys" / "pepper.key"
    current = load_secret(given) if given is not None else load_or_create_secret(path)
    return [current, *(load_secret(path) for path in settings.retired_pepper_key_files)]


def page_key(settings: Settings) -> bytes:
    """Give the key that authenticates the forms of pages and hides what sign-ins are counted by; raises KeyFileError.

    It is made of the current pepper, and of no use to find that.
    """
    return hmac.digest(peppers(settings)[0], b"itcare pages 1", "sha256")


def push_key(settings: Settings) -> SigningKey:
    """Give the key that signs notifications, which browsers subscribe with; raises KeyFileError."""
    if settings.push.key_file is not None:
        return load_signing_key(settings.push.key_file)
    return load_or_create_signing_key(settings.data_dir / "keys" / "push.pem")


def operation_seal(settings: Settings) -> SecretSeal:
    """Give what seals the secrets that operations bring to a driver; raises KeyFileError."""
    return SecretSeal([mfa_key(settings)], OPERATIONS)


def message_keys(settings: Settings) -> MessageKeyFile:
    """Give the keys of messages to and from an orchestrator; raises KeyFileError."""
    path = settings.worker.webhook_keys_file
    if path is None:
        raise KeyFileError("There are no keys of messages: set ITCARE_WORKER_WEBHOOK_KEYS_FILE.")
    return MessageKeyFile(path)


class KeyRing:
    """The keys of access tokens as their files have them at each moment, so that a rotation takes no restart.

    Files that cannot be used any more change nothing: the process goes on with the keys it has, and logs it.

    Raises:
        KeyFileError: one of the files cannot be used when the process starts.
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = now) -> None:
        self._settings = settings
        self._clock = clock
        self._generated = settings.signing_key_file is None
        self._load()

    def signing(self) -> SigningKey:
        """Give the key that signs now."""
        self._look_again()
        return self._signing

    def published(self) -> list[VerificationKey]:
        """Give the keys that verify now, the one that signs first."""
        self._look_again()
        oldest = self._clock() - KEEP_RETIRED
        retired = [retired.key for retired in self._retired if retired.retired_at >= oldest]
        return list({key.kid: key for key in (self._signing, *self._named, *retired)}.values())

    def get(self, kid: str, /) -> VerificationKey | None:
        """Give the key of that id, if it verifies now."""
        return next((key for key in self.published() if key.kid == kid), None)

    def _look_again(self) -> None:
        if self._stamps() == self._seen:
            return
        try:
            self._load()
        except KeyFileError as error:
            _log.warning("Going on with the keys of access tokens as they were. %s", error)

    def _load(self) -> None:
        # Seen first: what changes while it is read is looked at again. The signing key before the retired ones: a
        # rotation writes them in the other order, so that no key is missed.
        self._seen = self._stamps()
        signing = signing_key(self._settings)
        named = [load_verification_key(path) for path in self._settings.retired_key_files]
        retired = load_retired_keys(_retired_folder(self._settings)) if self._generated else []
        self._signing, self._named, self._retired = signing, named, retired

    def _stamps(self) -> list[tuple[int, int] | None]:
        own = [_signing_path(self._settings), _retired_folder(self._settings)] if self._generated else []
        given = [self._settings.signing_key_file] if self._settings.signing_key_file else []
        return [_stamp(path) for path in (*own, *given, *self._settings.retired_key_files)]


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did: the new key, the one before, until when that verifies, and how many are dropped."""

    after: VerificationKey
    before: VerificationKey
    until: datetime
    dropped: int


def rotate(settings: Settings) -> Rotation:
    """Make a new signing key in the data folder, keep the one before for verifying, and drop those that are done with.

    Raises:
        KeyFileError: there is no signing key, or the folder cannot be used.
    """
    at = now().astimezone(UTC)
    folder = _retired_folder(settings)
    after, before = rotate_signing_key(_signing_path(settings), folder, at)
    return Rotation(after, before, at + KEEP_RETIRED, drop_retired_keys(folder, at - KEEP_RETIRED))


def _signing_path(settings: Settings) -> Path:
    return settings.data_dir / "keys" / "signing.pem"


def _retired_folder(settings: Settings) -> Path:
    return settings.data_dir / "keys" / "retired"


def _stamp(path: Path) -> tuple[int, int] | None:
    """What changes when another file is put in the place of one, or a folder gets or loses one."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
