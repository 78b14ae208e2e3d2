"""Refusals around second factors.

ItcareError
├── ChallengeRefused           CHALLENGE_REFUSED                  403   the code or the challenge is not accepted
├── TooManyFailures            RATE_LIMITED                       429   with Retry-After
├── FactorMissing              MFA_ENROLMENT_REQUIRED             403   there is no second factor to answer with
├── FreshFactorRequired        INSUFFICIENT_USER_AUTHENTICATION   401   as RFC 9470 has it
└── PeopleOnly                 FORBIDDEN                          403   an API account has no second factor
"""

from datetime import timedelta
from math import ceil
from typing import Final

from auth.errors import ItcareError
from auth.permissions import MFA_MAX_AGE

ACR: Final = "mfa"
"""The `acr` of a token whose holder has presented a second factor."""


class ChallengeRefused(ItcareError):
    """An answer was not accepted.

    One sentence for all there is: a wrong code, one that was used, a challenge that is over, another's, or none at all.
    """

    code = "CHALLENGE_REFUSED"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("This was not accepted. Wait for a new code; if that is not accepted either, begin again.")


class TooManyFailures(ItcareError):
    """An account's answers were wrong too often; another is looked at after `wait`."""

    code = "RATE_LIMITED"
    http_status = 429

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, ceil(wait.total_seconds()))
        super().__init__("Too many codes were wrong. Try again later.", retryAfter=self.seconds)


class FactorMissing(ItcareError):
    """The caller has no confirmed second factor."""

    code = "MFA_ENROLMENT_REQUIRED"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("Set up a second factor first: POST /auth/factors/totp.")


class FreshFactorRequired(ItcareError):
    """A second factor must have succeeded within the last `MFA_MAX_AGE` seconds."""

    code = "INSUFFICIENT_USER_AUTHENTICATION"
    http_status = 401

    def __init__(self) -> None:
        super().__init__(
            f"Replacing a second factor takes the one you have, not longer than {MFA_MAX_AGE} s ago.",
            maxAge=MFA_MAX_AGE,
            acrValues=[ACR],
            binding="SESSION",
        )

    @property
    def challenge(self) -> str:
        """The value of `WWW-Authenticate`."""
        return f'Bearer error="insufficient_user_authentication", acr_values="{ACR}", max_age="{MFA_MAX_AGE}"'


class PeopleOnly(ItcareError):
    """The caller is a program: an API account has no second factor."""

    code = "FORBIDDEN"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("API accounts have no second factor.")
