"""Every refusal a caller may read: `ItcareError` and below, one class per `extensions.code`.

    ItcareError
    ├── BadUserInput          BAD_USER_INPUT           the request's values are wrong
    ├── LimitExceeded         LIMIT_EXCEEDED           the request is too large
    ├── CountTimeout          COUNT_TIMEOUT            a count took too long; the rest stands
    ├── OperationTimeout      OPERATION_TIMEOUT        the request took too long
    ├── Unauthenticated       UNAUTHENTICATED          no caller, or a token that is not valid
    └── ServiceUnavailable    SERVICE_UNAVAILABLE      the database cannot be reached now

Anything else that is raised is a fault of ours: masked, logged, answered with a correlation id.
"""

from typing import ClassVar


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
