"""Refusals of answers to challenges; those that commands know too are in `auth.errors`.

ItcareError
├── ChallengeRefused          CHALLENGE_REFUSED   403   the code or the challenge is not accepted
├── DeviceGone                DEVICE_GONE         409   the device takes no notifications any more
└── TooManyFailures           RATE_LIMITED        429   with Retry-After
    └── TooManyNotifications                            of a device, or the person said that it was not them
"""

from datetime import timedelta
from math import ceil

from auth.errors import ItcareError


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
            f"Your device “{name}” takes no notifications any more, for instance since its browser was reset."
            " Use another second factor, and set the device up again."
        )


class TooManyFailures(ItcareError):
    """An account's answers were wrong too often; another is looked at after `wait`."""

    code = "RATE_LIMITED"
    http_status = 429
    _message = "Too many codes were wrong. Try again later."

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, ceil(wait.total_seconds()))
        super().__init__(self._message, retryAfter=self.seconds)


class TooManyNotifications(TooManyFailures):
    """A device was notified too often, or its person said that it was not them; it is asked again after `wait`."""

    _message = "Your device was asked too often, or you said there that it was not you. Try again later."
