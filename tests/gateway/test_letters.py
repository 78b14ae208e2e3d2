"""What is sent of what was done to accounts."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from auth.tables import FactorKind
from gateway.letters import post_of
from gateway.mail import Mailer
from resolvers.letters import FactorApproved, IdentityLinked, Invitation, Letter, PlaceGiven

ADDRESS, NOON = "https://itcare.example", datetime(2026, 1, 1, 12, tzinfo=UTC)
LETTERS: list[tuple[Letter, str, list[str]]] = [
    (Invitation("ann@new.example", "s3cret"), "account", [f"{ADDRESS}/auth/invitation?link=s3cret"]),
    (
        Invitation("ann@new.example", "s3cret", is_known=True),
        "anew",
        [f"{ADDRESS}/auth/invitation?link=s3cret", "If you did not ask for this"],
    ),
    (PlaceGiven("ann@new.example", "Acme & Sons"), "one more organization", ["Acme & Sons", f"{ADDRESS}/auth/sign-in"]),
    (FactorApproved("ann@new.example", FactorKind.TOTP, NOON), "approved", ["an authenticator app", "2026"]),
    (IdentityLinked("ann@new.example", "https://idp.example", NOON), "linked", ["https://idp.example", "2026"]),
]


@pytest.mark.parametrize(("letter", "subject", "parts"), LETTERS, ids=lambda value: type(value).__name__)
async def test_a_letter_is_sent_to_its_person_and_says_what_was_done(
    letter: Letter, subject: str, parts: list[str]
) -> None:
    sent: list[EmailMessage] = []

    async def post(message: EmailMessage) -> None:
        sent.append(message)

    mailer = Mailer(post, "ITCare <itcare@mail.example>")
    async with mailer.running():
        post_of(mailer, ADDRESS)(letter)
    (message,) = sent
    assert message["To"] == "ann@new.example"
    assert subject in message["Subject"]
    body = message.get_body(("plain",))
    assert body is not None
    text = " ".join(body.get_content().split())
    assert [part for part in parts if part not in text] == []
