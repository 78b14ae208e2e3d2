"""Refusals of answers to challenges; those that commands know too are in `auth.errors`.

ItcareError
├── ChallengeRefused    CHALLENGE_REFUSED   403   the code or the challenge is not accepted
├── DeviceGone          DEVICE_GONE         409   the device takes no notifications any more
├── TooManyFailures     RATE_LIMITED        429   with Retry-After
├── TooManySendings     RATE_LIMITED        429   with Retry-After
├── TooManyFactors      LIMIT_EXCEEDED      409   there are as many of a kind as there may be
└── LastFactor          LAST_FACTOR         409   without it nothing could be confirmed any more
"""

from datetime import timedelta
from math import ceil

from auth.errors import ItcareError, LimitExceeded
from auth.tables import FactorKind


class ChallengeRefused(ItcareError):
    """An answer was not accepted.

    One sentence for all there is: a wrong code, one that was used, a challenge that is over, another's, or none at all.
    """

    code = "CHALLENGE_REFUSED"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("This was not accepted. Wait for a new code; if that is not accepted either, begin again.")


class DeviceGone(ItcareError):
    """The push service of the browser on a device does not know it any more."""

    code = "DEVICE_GONE"
    http_status = 409

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Your device “{name}” takes no notifications any more. Open the page on it that you set it up with; if it"
            " is not known there, use another second factor, and set the device up again."
        )


class TooManySendings(ItcareError):
    """A person was called or notified too often, or has said that it was not them; another goes out after `wait`."""

    code = "RATE_LIMITED"
    http_status = 429

    def __init__(self, kind: FactorKind, wait: timedelta) -> None:
        self.kind = kind
        self.seconds = max(1, ceil(wait.total_seconds()))
        super().__init__(
            "That was asked for too often. Try again later, or use another method.", retryAfter=self.seconds
        )


class TooManyFailures(ItcareError):
    """An account's answers were wrong too often; another is looked at after `wait`."""

    code = "RATE_LIMITED"
    http_status = 429

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, ceil(wait.total_seconds()))
        super().__init__("Too many codes were wrong. Try again later.", retryAfter=self.seconds)


class TooManyFactors(LimitExceeded):
    """A person may have so many of a kind; another takes the removal of one."""

    http_status = 409

    def __init__(self, maximum: int) -> None:
        message = f"You have {maximum} of these already. Remove one that you do not use, and begin again."
        super().__init__(message, limit="factors", value=maximum + 1, maximum=maximum)


class LastFactor(ItcareError):
    """A factor is not removed if no other serves."""

    code = "LAST_FACTOR"
    http_status = 409

    def __init__(self) -> None:
        super().__init__("This is the last factor of yours that serves. Set up another one, and remove this one then.")
