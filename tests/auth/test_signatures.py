"""Keys of messages: which serve whom, which files are refused, and that a signature is of one message only."""

import base64
import json
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from auth.keys import KeyFileError
from auth.signatures import CALLBACK, REQUEST, MessageKey, MessageKeyFile, load_message_keys

SECRET = bytes(range(32))
ACME = UUID(int=1)


def written(path: Path, content: Any, mode: int = 0o600) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    return path


def member(secret: bytes = SECRET, **more: Any) -> dict[str, Any]:
    return {"secret": base64.b64encode(secret).decode(), **more}


def test_a_signature_is_of_one_message_for_one_purpose_at_one_time_by_one_key() -> None:
    key = MessageKey("a", SECRET)
    signature = key.sign(REQUEST, 1_800_000_000, b"body")
    # printf %s v1.request.a.1800000000.body | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f
    assert signature == "v1=40d9a6ec0d59d4682873de73db33059828925fe4fb11ed9d77bf9dd3a3caf5ca"
    assert key.has_signed(signature, REQUEST, 1_800_000_000, b"body")
    others = [(CALLBACK, 1_800_000_000, b"body"), (REQUEST, 1_800_000_001, b"body"), (REQUEST, 1_800_000_000, b"bodY")]
    assert not any(key.has_signed(signature, *other) for other in others)
    assert not MessageKey("b", SECRET).has_signed(signature, REQUEST, 1_800_000_000, b"body")
    assert "secret" not in repr(key)


def test_an_organization_with_keys_of_its_own_is_served_by_them_and_others_by_the_rest(tmp_path: Path) -> None:
    content = {"old": member(), "new": member(), "acme": member(organization=str(ACME))}
    keys = load_message_keys(written(tmp_path / "keys.json", content))
    assert [key.name for key in keys.of(ACME)] == ["acme"]
    assert [key.name for key in keys.of(UUID(int=2))] == ["old", "new"]
    assert keys.get("absent") is None


def test_an_organization_is_named_as_graphql_shows_it_or_as_a_uuid(tmp_path: Path) -> None:
    content = {"a": member(organization=f"org_{ACME.hex}"), "b": member(organization=str(ACME))}
    keys = load_message_keys(written(tmp_path / "keys.json", content))
    assert [key.name for key in keys.of(ACME)] == ["a", "b"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        {"a b": member()},
        {"a": "x"},
        {"a": {}},
        {"a": {"secret": 1}},
        {"a": member(bytes(31))},
        {"a": {"secret": "not base64!" * 9}},
        {"a": member(organization="acme")},
        {"a": member(organization=1)},
        {"a": member(colour="red")},
    ],
    ids=str,
)
def test_a_file_that_holds_something_else_is_refused_and_not_quoted(tmp_path: Path, content: Any) -> None:
    with pytest.raises(KeyFileError) as refused:
        load_message_keys(written(tmp_path / "keys.json", content))
    assert base64.b64encode(SECRET).decode() not in str(refused.value)


def test_a_file_that_others_can_read_or_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        load_message_keys(written(tmp_path / "keys.json", {"a": member()}, 0o644))
    with pytest.raises(KeyFileError):
        MessageKeyFile(tmp_path / "absent.json")


def test_another_file_is_read_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "keys.json", {"a": member()})
    file = MessageKeyFile(path)
    written(tmp_path / "next.json", {"b": member()}).replace(path)
    assert file.keys().get("b") is not None
    assert file.keys().get("a") is None
    written(tmp_path / "next.json", "broken").replace(path)
    assert file.keys().get("b") is not None
    os.unlink(path)  # noqa: PTH108
    assert file.keys().get("b") is not None
