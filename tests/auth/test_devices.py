"""What a browser says of itself: read in the one form that it has, or refused with what is wrong."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import assume, example, given
from hypothesis import strategies as st

from auth.mfa.devices import (
    Device,
    DeviceMalformed,
    Subscription,
    base64url,
    from_base64url,
    has_signed,
    read_public_key,
    read_subscription,
)

KEY = ec.derive_private_key(7, ec.SECP256R1())
POINT = KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
JWK = {"kty": "EC", "crv": "P-256", "x": base64url(POINT[1:33]), "y": base64url(POINT[33:])}
SUBSCRIPTION = {
    "endpoint": "https://fcm.googleapis.com/fcm/send/abc:def_-",
    "expirationTime": None,
    "keys": {"p256dh": base64url(POINT), "auth": base64url(bytes(16))},
}
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

texts = st.text("AQZaqz09-_+/=.:é\0\n\U0001f512", max_size=100)
json_values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | texts
    | st.lists(texts, max_size=2)
    | st.dictionaries(texts, texts, max_size=2)
)


def signed(text: bytes) -> bytes:
    r, s = decode_dss_signature(KEY.sign(text, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_a_subscription_and_a_key_are_read_as_browsers_write_them() -> None:
    subscription = read_subscription(SUBSCRIPTION)
    assert subscription == Subscription(str(SUBSCRIPTION["endpoint"]), POINT, bytes(16))
    assert read_public_key({**JWK, "ext": True, "key_ops": ["verify"], "alg": "ES256"}) == POINT


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "endpoint": json_values,
            "keys": json_values | st.fixed_dictionaries({}, optional={"p256dh": json_values, "auth": json_values}),
            "more": json_values,
        },
    )
)
def test_whatever_is_no_subscription_is_refused_without_being_quoted(members: dict[str, Any]) -> None:
    with pytest.raises(DeviceMalformed) as refused:
        read_subscription(members)
    assert refused.value.member == "subscription"
    endpoint = members.get("endpoint")
    if isinstance(endpoint, str) and len(endpoint) > 8:
        assert endpoint not in str(refused.value)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("kty", "crv", "x", "y", "d", "k"), json_values)))
@example({**JWK, "x": JWK["y"]})
@example({**JWK, "y": JWK["y"] + "="})
@example({**JWK, "y": base64url(bytes(32))})
@example({**JWK, "x": base64url(bytes(32)), "y": base64url(bytes(32))})
@example({**JWK, "x": base64url(b"\xff" * 32)})
@example({**JWK, "d": base64url((7).to_bytes(32, "big"))})
@example({**JWK, "crv": "secp256k1"})
@example({**JWK, "kty": "OKP"})
def test_whatever_is_no_public_key_of_the_curve_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(DeviceMalformed) as refused:
        read_public_key(members)
    assert refused.value.member == "publicKey"


@given(st.binary(min_size=65, max_size=65))
def test_a_point_that_is_not_on_the_curve_is_refused(content: bytes) -> None:
    assume(content != POINT)
    keys = {"p256dh": base64url(b"\x04" + content[1:]), "auth": base64url(bytes(16))}
    with pytest.raises(DeviceMalformed):
        read_subscription({**SUBSCRIPTION, "keys": keys})


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://push.example/" + "x" * 1980,
        "https://push.example/\n",
        "https://push.example/ä",
        "https://",
        "//push.example/",
        "wss://push.example/",
    ],
)
def test_an_endpoint_is_a_url_in_plain_letters(endpoint: str) -> None:
    with pytest.raises(DeviceMalformed):
        read_subscription({**SUBSCRIPTION, "endpoint": endpoint})


@given(st.binary(max_size=100), st.binary(min_size=64, max_size=64))
def test_a_signature_is_of_its_text_and_its_key(text: bytes, other: bytes) -> None:
    right = signed(text)
    assert has_signed(POINT, text, base64url(right))
    assert not has_signed(POINT, text + b"\n", base64url(right))
    assert not has_signed(POINT, text, base64url(other))
    assert not has_signed(POINT, text, base64url(right[:-1]))
    assert not has_signed(POINT, text, base64url(right) + "=")
    stranger = ec.derive_private_key(8, ec.SECP256R1()).public_key()
    point = stranger.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert not has_signed(point, text, base64url(right))


@pytest.mark.parametrize("r", [0, ORDER, 2**256 - 1])
@pytest.mark.parametrize("s", [0, ORDER, 2**256 - 1])
def test_numbers_that_are_no_signature_are_none(r: int, s: int) -> None:
    assert not has_signed(POINT, b"text", base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big")))


@given(texts)
def test_only_base64url_as_we_write_it_is_read(text: str) -> None:
    try:
        content = from_base64url(text)
    except ValueError:
        return
    assert base64url(content) == text


def test_a_device_is_written_down_and_read_again() -> None:
    device = Device(read_subscription(SUBSCRIPTION), POINT)
    assert Device.read(device.written()) == device
    gone = Device.read(device.gone().written())
    assert (gone.is_gone, gone.subscription, gone.key) == (True, device.subscription, device.key)
    assert json.loads(device.written()).keys() == {"endpoint", "p256dh", "auth", "key", "gone"}
