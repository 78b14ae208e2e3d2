"""Letters of what was done to accounts, as e-mails."""

from typing import assert_never

from gateway import messages
from gateway.mail import Mailer
from resolvers.letters import FactorApproved, IdentityLinked, Invitation, Letter, PlaceGiven, Post


def post_of(mailer: Mailer, address: str) -> Post:
    """Make what takes letters; `address` is where browsers reach the gateway."""

    def post(letter: Letter) -> None:
        match letter:
            case Invitation(to, secret, is_known):
                write = messages.invitation_again if is_known else messages.invitation
                mailer.send(write(to, address, secret))
            case PlaceGiven(to, organization):
                mailer.send(messages.place_given(to, address, organization))
            case FactorApproved(to, kind, at):
                mailer.send(messages.factor_approved(to, address, kind, at))
            case IdentityLinked(to, issuer, at):
                mailer.send(messages.identity_linked(to, address, issuer, at))
            case _:
                assert_never(letter)

    return post
