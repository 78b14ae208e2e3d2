"""What an operation does to the model when its steps have been executed, or when it has failed.

    takes_effect(Action.START_INSTANCE, done=_started, said="Started.")

A command, in the transaction of its submission, checks and reserves: what it makes is there from then on, in
preparation, and what it changes is locked by the open operation. Its effects come later, each in the transaction that
records the end of the step, so that each takes place once. They can rely on what the command has checked, and cannot
refuse.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from auth.permissions import Action
from resolvers.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Work:
    """An operation, where a step of it takes effect.

    `parameters` are those that its command gave it; `facts` what the driver found out in the step, by the names that
    `docs/operating.md` has; `step_subject_id` is what the step alone is about.
    """

    organization_id: UUID
    cloud_id: UUID
    id: UUID
    action: Action
    now: datetime
    resource_id: UUID | None = None
    subject_id: UUID | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    submitted_by: str = ""
    change_reference: str | None = None
    step_subject_id: UUID | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def resource(self) -> UUID:
        """The resource, of an action on one."""
        if self.resource_id is None:
            raise TypeError(f"{self.action} is about no resource.")
        return self.resource_id

    @property
    def subject(self) -> UUID:
        """The subject, of an action that has one."""
        if self.subject_id is None:
            raise TypeError(f"{self.action} has no subject.")
        return self.subject_id


Effect = Callable[[Transaction, Work], Awaitable[None]]
"""Changes the model, and notes what it changes in `Transaction.events`, as the writers of `resources.py` do."""


async def nothing(_transaction: Transaction, _work: Work) -> None:
    """Change nothing."""


@dataclass(frozen=True, slots=True)
class Effects:
    """The effects of an action: of each step, of the last one, and of a failure; and what is said of its success."""

    done: Effect
    failed: Effect
    step: Effect
    said: str


EFFECTS: Final[dict[Action, Effects]] = {}
"""The effects of every action that there is a mutation for."""


def takes_effect(
    action: Action, *, said: str, done: Effect = nothing, failed: Effect = nothing, step: Effect = nothing
) -> None:
    """Say what an action does to the model.

    `step` is of each step that succeeded, `done` of the last one besides; `failed` leaves what the operation was about
    as it can be used, or done away with: also after some of its steps have taken effect.
    """
    if action in EFFECTS:
        raise TypeError(f"The effects of {action} are declared twice.")
    EFFECTS[action] = Effects(done, failed, step, said)
