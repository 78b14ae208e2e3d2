"""Setting up factors, kind by kind, behind one port.

An enroller says what a person is shown to set up a factor of its kind, and looks at what they send to confirm it. The
pages that people are led through use the same enrollers as these endpoints.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from starlette.routing import Route

from auth.errors import InsufficientUserAuthentication, ItcareError
from auth.mfa.enrolment import Confirmation, confirmed_factors, methods_of_account
from auth.mfa.errors import ChallengeRefused, TooManyFailures
from auth.mfa.recovery import new_codes
from auth.permissions import MFA_MAX_AGE, MfaBinding
from auth.tables import FactorKind
from gateway.http.factors.calling import Caller, Calling


class Enroller(Protocol):
    """Sets up one kind of factor."""

    @property
    def kind(self) -> FactorKind:
        """Which one."""
        ...

    @property
    def name(self) -> str:
        """What it is called in addresses, such as `totp`."""
        ...

    @property
    def begin_members(self) -> Collection[str]:
        """What may be sent to begin."""
        ...

    @property
    def confirm_members(self) -> Collection[str]:
        """What may be sent to confirm."""
        ...

    async def begin(self, caller: Caller, body: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
        """Begin to set up a factor; gives what the person is shown."""
        ...

    async def confirm(self, caller: Caller, body: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
        """Confirm the factor; gives the factors that there are then (`factors_of`)."""
        ...


class Enrolling:
    """The endpoints under `/auth/factors`."""

    def __init__(self, calling: Calling, enrollers: Iterable[Enroller]) -> None:
        self._calling = calling
        self._enrollers = tuple(enrollers)

    def routes(self) -> list[Route]:
        """Give the routes."""
        routes = [self._calling.route("GET", "/auth/factors", self._list)]
        for enroller in self._enrollers:
            path = f"/auth/factors/{enroller.name}"
            routes.append(self._calling.route("POST", path, enroller.begin, enroller.begin_members))
            confirm = partial(confirm_with_codes, enroller)
            routes.append(self._calling.route("POST", f"{path}/confirm", confirm, enroller.confirm_members))
        return routes

    async def _list(self, caller: Caller, _: dict[str, Any]) -> Mapping[str, Any]:
        return {**await factors_of(caller), "methods": [enroller.kind.value for enroller in self._enrollers]}


async def confirm_with_codes(
    enroller: Enroller, caller: Caller, body: dict[str, Any]
) -> Mapping[str, Any] | ItcareError:
    """Confirm a factor; with the first one come recovery codes, which are shown this once."""
    is_first = not await confirmed_factors(caller.fetch, caller.id)
    content = await enroller.confirm(caller, body)
    if is_first and not isinstance(content, ItcareError):
        return {**content, "recoveryCodes": await new_codes(caller.fetch, caller.id, caller.now)}
    return content


async def factors_of(caller: Caller) -> dict[str, Any]:
    """Say which factors the caller has."""
    return {
        "factors": [
            {
                "id": str(factor.id),
                "method": factor.kind.value,
                "label": factor.label,
                "confirmedAt": written_time(factor.confirmed_at),
                "usableFrom": None if factor.usable_from is None else written_time(factor.usable_from),
            }
            for factor in await confirmed_factors(caller.fetch, caller.id)
        ]
    }


async def confirmed(
    caller: Caller, outcome: Confirmation, wait: Any, content: Callable[[], Mapping[str, Any]] = dict
) -> Mapping[str, Any] | ItcareError:
    """Answer what came of a confirmation."""
    match outcome:
        case Confirmation.CONFIRMED | Confirmation.CONFIRMED_FOR_LATER:
            return {**await factors_of(caller), **content()}
        case Confirmation.RATE_LIMITED:
            return TooManyFailures(wait)
        case Confirmation.FRESH_FACTOR_REQUIRED:
            return await fresh_factor_required(caller)
        case Confirmation.REFUSED:
            return ChallengeRefused()


async def fresh_factor_required(caller: Caller) -> InsufficientUserAuthentication:
    """Refuse to set up a factor without a fresh success of one that there is."""
    methods = await methods_of_account(caller.fetch, caller.id, caller.now)
    return InsufficientUserAuthentication(
        MFA_MAX_AGE, MfaBinding.SESSION.value, methods=[kind.value for kind in methods]
    )


def written_time(time: datetime) -> str:
    """Write a time to the second, in UTC."""
    return time.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
