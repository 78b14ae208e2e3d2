"""Every refusal a caller may read: `ItcareError` and below, one class per `extensions.code`.

    ItcareError
    ├── BadUserInput          BAD_USER_INPUT           the request's values are wrong
    ├── LimitExceeded         LIMIT_EXCEEDED           the request is too large
    ├── CountTimeout          COUNT_TIMEOUT            a count took too long; the rest stands
    ├── OperationTimeout      OPERATION_TIMEOUT        the request took too long
    ├── Unauthenticated       UNAUTHENTICATED          no caller, or a token that is not valid
    ├── InsufficientUserAuthentication
    │                         INSUFFICIENT_USER_AUTHENTICATION   a fresh second factor is needed
    ├── MfaEnrolmentRequired  MFA_ENROLMENT_REQUIRED   a second factor must be set up first
    ├── Forbidden             FORBIDDEN                the caller's profiles do not allow it
    ├── TooManyRehearsals     RATE_LIMITED             dry runs came too fast
    ├── NotFound              NOT_FOUND                it does not exist, or the caller does not see it
    └── ServiceUnavailable    SERVICE_UNAVAILABLE      the database cannot be reached now

Anything else that is raised is a fault of ours: masked, logged, answered with a correlation id.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

MFA_ACR: Final = "mfa"
"""The `acr` of a token whose holder has presented a second factor."""


class ItcareError(Exception):
    """A refusal whose message is written for the caller.

    Its `extensions` go into the GraphQL error beside the code; they are JSON values.
    """

    code: ClassVar[str]
    http_status: ClassVar[int] = 400

    def __init__(self, message: str, **extensions: object) -> None:
        super().__init__(message)
        self.message = message
        self.extensions = extensions


class BadUserInput(ItcareError):
    """A value in the request is wrong; `argument` names where."""

    code = "BAD_USER_INPUT"

    def __init__(self, message: str, *, argument: str) -> None:
        super().__init__(message, argument=argument)


class LimitExceeded(ItcareError):
    """The request is larger than a limit; says which limit, its value and the maximum."""

    code = "LIMIT_EXCEEDED"

    def __init__(self, message: str, *, limit: str, value: int, maximum: int) -> None:
        super().__init__(message, limit=limit, value=value, maximum=maximum)


class OperationTimeout(ItcareError):
    """The operation was stopped, with its SQL, after `seconds`."""

    code = "OPERATION_TIMEOUT"
    http_status = 503

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The operation was stopped after {seconds:g} s. Ask for fewer objects or smaller pages.", seconds=seconds
        )


class Unauthenticated(ItcareError):
    """There is no caller, or the token is not valid; never says which part of a token was wrong."""

    code = "UNAUTHENTICATED"
    http_status = 401


class InsufficientUserAuthentication(ItcareError):
    """A second factor must have succeeded within `max_age` seconds; `binding` says what for (RFC 9470).

    `challenge_id` names what the caller may answer with one of the `methods`.
    """

    code = "INSUFFICIENT_USER_AUTHENTICATION"
    http_status = 401

    def __init__(
        self, max_age: int, binding: str, *, challenge_id: str | None = None, methods: Sequence[str] = ()
    ) -> None:
        what = "of exactly this operation" if binding == "OPERATION" else f"not older than {max_age} s"
        super().__init__(
            f"This needs an approval by your second factor, {what}.",
            maxAge=max_age,
            acrValues=[MFA_ACR],
            binding=binding,
            challengeId=challenge_id,
            methods=list(methods),
        )
        self.max_age = max_age

    @property
    def challenge(self) -> str:
        """The `WWW-Authenticate` header of a refused request."""
        return f'Bearer error="insufficient_user_authentication", acr_values="{MFA_ACR}", max_age="{self.max_age}"'


class MfaEnrolmentRequired(ItcareError):
    """The caller's profiles are inert until a second factor of theirs is confirmed."""

    code = "MFA_ENROLMENT_REQUIRED"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("Set up a second factor first: until then your profiles only let you see.")


class Forbidden(ItcareError):
    """The caller sees it, and may not do that; `reasons` say why.

    Any of `missing_profiles` would do, or, of what is not a matter of profiles, any of `missing_authorities`.
    """

    code = "FORBIDDEN"
    http_status = 403

    def __init__(
        self, reasons: Sequence[str], missing_profiles: Sequence[str] = (), missing_authorities: Sequence[str] = ()
    ) -> None:
        which = f" It takes one of these in this Cloud: {', '.join(missing_profiles)}." if missing_profiles else ""
        authorities = {"missingAuthorities": list(missing_authorities)} if missing_authorities else {}
        super().__init__(
            f"You may not do that.{which}",
            reasons=list(reasons),
            missingProfiles=list(missing_profiles),
            **authorities,
        )


class NotFound(ItcareError):
    """There is no such thing, or the caller does not see it: the same answer."""

    code = "NOT_FOUND"
    http_status = 404

    def __init__(self, target: str) -> None:
        super().__init__(f"There is no {target} with this id, or you do not see it.")


class TooManyRehearsals(ItcareError):
    """The caller has asked for too many dry runs; another is run after `wait` seconds."""

    code = "RATE_LIMITED"
    http_status = 429

    def __init__(self, wait: int) -> None:
        super().__init__(f"That were too many dry runs: wait {wait} s.", retryAfter=wait)


class ServiceUnavailable(ItcareError):
    """The database cannot be reached now; the request may be sent again."""

    code = "SERVICE_UNAVAILABLE"
    http_status = 503

    def __init__(self) -> None:
        super().__init__("The database cannot be reached now. Send the request again in a moment.")


class CountTimeout(ItcareError):
    """A count took longer than `seconds`; the rest of the answer stands."""

    code = "COUNT_TIMEOUT"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"There is too much to count within {seconds:g} s. Narrow the filter, or leave the count out.",
            seconds=seconds,
        )
