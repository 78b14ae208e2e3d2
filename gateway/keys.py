"""The secrets of the process: from the files that settings name, or made once in the data folder."""

from auth.keys import (
    SigningKey,
    load_or_create_secret,
    load_or_create_signing_key,
    load_secret,
    load_signing_key,
)
from gateway.settings import Settings


def signing_key(settings: Settings) -> SigningKey:
    """Give the key that signs access tokens; raises KeyFileError."""
    if settings.signing_key_file is not None:
        return load_signing_key(settings.signing_key_file)
    return load_or_create_signing_key(settings.data_dir / "keys" / "signing.pem")


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
