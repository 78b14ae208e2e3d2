"""Notifications are encrypted as RFC 8291 has it: by its own example, and as a browser reads them."""

from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from auth.mfa.devices import Subscription
from gateway.web_push import encrypted
from tests.gateway.pushing import Browser, PushService, point, unb64

# RFC 8291, section 5 and appendix A
CONTENT = b"When I grow up, I want to be a watermelon"
RECEIVER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SECRET = "BTBZMqHH6r4Tts7J_aSIgg"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
MESSAGE = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
    "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_standard_is_encrypted_as_it_says() -> None:
    sender = ec.derive_private_key(int.from_bytes(unb64(SENDER), "big"), ec.SECP256R1())
    subscription = Subscription("https://push.example.net/push/x", unb64(RECEIVER), unb64(SECRET))
    assert encrypted(CONTENT, subscription, sender=sender, salt=unb64(SALT)) == unb64(MESSAGE)


@given(st.binary(max_size=3000))
def test_a_browser_reads_what_was_encrypted_for_it(content: bytes) -> None:
    browser = Browser(PushService("https://push.example"))
    subscription = Subscription(browser.endpoint, point(browser.key), browser.secret)
    first, second = encrypted(content, subscription), encrypted(content, subscription)
    assert browser.decrypt(first) == browser.decrypt(second) == content
    assert first != second
