"""The port of drivers.

A worker asks a driver to execute a step, again if it must: after a crash it does not know whether the driver has heard
of it. The step's id is the same each time, so that a driver does once what it is asked twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from auth.permissions import Action


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt at a step: `id` is the step's, and the driver's idempotency key; `nonce` is the attempt's.

    `secret` is shown to the driver alone: it must not be written down, nor be in what is logged or reported.
    """

    id: UUID
    nonce: UUID
    operation_id: UUID
    organization_id: UUID
    cloud_id: UUID
    action: Action
    step: str
    position: int
    resource_id: UUID | None = None
    subject_id: UUID | None = None
    step_subject_id: UUID | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """How a step ended; `message` is for people, `facts` are what the driver found out."""

    succeeded: bool
    message: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class DriverUnavailable(Exception):
    """The driver cannot be asked now: the step is tried again later. The reason is for operators, free of secrets."""


class Driver(Protocol):
    """Executes steps.

    All three raise DriverUnavailable if nothing can be said; a step fails only by a report that says so.
    """

    async def prepare(self, call: Call) -> None:
        """Find out whether the step can be asked for at all, before anything of it is recorded as begun."""
        ...

    async def execute(self, call: Call) -> Report | None:
        """Ask for the step; None if it is under way, to be observed."""
        ...

    async def observe(self, call: Call) -> Report | None:
        """Look how a step stands that was asked for; None if it is still under way."""
        ...
