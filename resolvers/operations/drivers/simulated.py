"""A driver that does nothing but take its time, for demos, tests and rehearsals; it fails where it is told to."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from resolvers.operations.drivers.port import Call, DriverUnavailable, Report


@dataclass(frozen=True, slots=True)
class Simulation:
    """How steps go: `seconds` for each, and by the names of actions or steps, the first that applies.

    `failures` are steps that report a failure, by the name of the action or of the step, with the message;
    `unavailable` those for which the driver cannot be reached.
    """

    seconds: float = 2.0
    seconds_of: Mapping[str, float] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)


class SimulatedDriver:
    """Executes steps by waiting; see `Simulation`."""

    def __init__(self, simulation: Simulation | None = None) -> None:
        self._simulation = simulation or Simulation()

    async def prepare(self, call: Call) -> None:
        """Be unavailable where it is told to."""
        reason = _of(self._simulation.unavailable, call)
        if reason is not None:
            raise DriverUnavailable(reason)

    async def execute(self, call: Call) -> Report | None:
        """Wait, and report."""
        seconds = _of(self._simulation.seconds_of, call)
        await asyncio.sleep(self._simulation.seconds if seconds is None else seconds)
        failure = _of(self._simulation.failures, call)
        return Report(True) if failure is None else Report(False, failure)

    async def observe(self, call: Call) -> Report | None:
        """Never asked: every step has ended when it was executed."""
        return await self.execute(call)


def _of(given: Mapping[str, Any], call: Call) -> Any:
    """Find what is given for a step: by its own name, or by that of the action."""
    return given.get(call.step, given.get(call.action.value))
