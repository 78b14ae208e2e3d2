"""How many dry runs an account may ask for: each takes all the locks of what it rehearses."""

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from math import ceil
from typing import Final
from uuid import UUID

MOST: Final = 60
WITHIN: Final = timedelta(minutes=1)
ACCOUNTS: Final = 10_000
"""Of how many accounts it is known when they rehearsed last; of more than these, the ones longest ago are forgotten."""


class Rehearsals:
    """The dry runs of the last minute, by account, as this process has seen them."""

    def __init__(self) -> None:
        self._times: OrderedDict[UUID, deque[datetime]] = OrderedDict()

    def wait(self, account_id: UUID, now: datetime) -> int:
        """Count one more dry run and give 0, or say in how many seconds there is room for it."""
        times = self._times.setdefault(account_id, deque())
        self._times.move_to_end(account_id)
        while times and now - times[0] >= WITHIN:
            times.popleft()
        if len(times) >= MOST:
            return max(1, ceil((times[0] + WITHIN - now).total_seconds()))
        times.append(now)
        if len(self._times) > ACCOUNTS:
            self._times.popitem(last=False)
        return 0
