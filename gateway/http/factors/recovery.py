"""Recovery codes, and removing factors: what has to do with factors of any kind."""

from collections.abc import Mapping
from typing import Any

from starlette.routing import Route

from auth.errors import ItcareError, NotFound
from auth.mfa.enrolment import RECOVERY_LASTS
from auth.mfa.errors import ChallengeRefused, LastFactor, TooManyFailures
from auth.mfa.recovery import MOST_CODE, Recovery, codes_left, renew_codes, use_code
from auth.mfa.removal import Removal, remove_factor
from gateway.http.factors.calling import Caller, Calling
from gateway.http.factors.enrolling import factors_of, fresh_factor_required
from gateway.http.factors.reading import text_in, uuid_in


class Recovering:
    """The endpoints of recovery codes and of removing; pages answer by the same functions."""

    def __init__(self, calling: Calling) -> None:
        self._calling = calling

    def routes(self) -> list[Route]:
        """Give the routes."""
        return [
            self._calling.route("POST", "/auth/factors/recovery-codes", renew, ()),
            self._calling.route("POST", "/auth/factors/recover", recover, {"code"}),
            self._calling.route("POST", "/auth/factors/remove", remove, {"factorId"}),
        ]


async def renew(caller: Caller, _: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
    """Draw new codes in the place of those before, and show them this once."""
    codes = await renew_codes(caller.fetch, caller.id, caller.now, is_fresh=caller.is_fresh, record=caller.record)
    return await fresh_factor_required(caller) if codes is None else {"codes": codes}


async def recover(caller: Caller, body: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
    """Use a code up: for a while, a factor can be set up by it."""
    recovered = await use_code(caller.fetch, caller.id, text_in(body, "code", MOST_CODE), caller.now, caller.record)
    match recovered.outcome:
        case Recovery.RATE_LIMITED:
            return TooManyFailures(recovered.wait)
        case Recovery.REFUSED:
            return ChallengeRefused()
        case Recovery.OPENED:
            left = await codes_left(caller.fetch, caller.id)
            return {"expiresIn": int(RECOVERY_LASTS.total_seconds()), "codesLeft": left}


async def remove(caller: Caller, body: dict[str, Any]) -> Mapping[str, Any] | ItcareError:
    """Remove a factor; gives those that are left."""
    outcome = await remove_factor(
        caller.fetch,
        caller.id,
        uuid_in(body, "factorId"),
        caller.now,
        is_fresh=caller.is_fresh,
        record=caller.record,
    )
    match outcome:
        case Removal.FRESH_FACTOR_REQUIRED:
            return await fresh_factor_required(caller)
        case Removal.MISSING:
            return NotFound("factor")
        case Removal.LAST:
            return LastFactor()
        case Removal.REMOVED:
            return await factors_of(caller)
