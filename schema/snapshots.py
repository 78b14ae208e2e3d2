"""Taking, recovering and deleting snapshots of instances."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID, UNSET

from auth.permissions import Action
from resolvers.commands import snapshots as commands
from resolvers.commands.outcome import UserError
from resolvers.commands.submission import Change
from resolvers.context import Caller
from schema.actions import action
from schema.ids import key_in
from schema.instances import Snapshot
from schema.payloads import ChangeInput, CommonInput, Payload, revision_in


@strawberry.input(description="The snapshot to take.")
class CreateSnapshotInput(CommonInput):
    """The snapshot to take."""

    instance_id: ID = strawberry.field(
        description=f"The instance, of which at most {commands.MOST_SNAPSHOTS} are kept."
    )
    label: str | None = strawberry.field(
        default=UNSET, description="Its label, unique on the instance; if absent, made of the time."
    )
    description: str | None = strawberry.field(default=UNSET, description="What it is taken for.")
    expires_at: datetime | None = strawberry.field(
        default=UNSET, description="When it can no longer be recovered; to come. If absent, it does not expire."
    )


@strawberry.type(description="What came of taking a snapshot.")
class CreateSnapshotPayload(Payload):
    """What came of taking a snapshot."""

    subject_name, loader = "snapshot", "snapshot_by_id"

    snapshot: Snapshot | None = strawberry.field(
        description="The snapshot; its size is known when the operation has succeeded. Null if nothing was done."
    )


def _check(input_: CreateSnapshotInput, now: datetime) -> Sequence[UserError]:
    return commands.check_snapshot(now, **_given(input_))


def _given(input_: CreateSnapshotInput) -> dict[str, Any]:
    given = {"label": input_.label, "description": input_.description, "expires_at": input_.expires_at}
    return {name: None if value is UNSET else value for name, value in given.items()}


@action(Action.CREATE_SNAPSHOT, payload=CreateSnapshotPayload, check=_check)
def create_snapshot(caller: Caller, input: CreateSnapshotInput) -> Change:  # noqa: A002
    """Take a snapshot of an instance."""
    return commands.create_snapshot(
        key_in(input.instance_id),
        by=caller.principal.email,
        change_reference=input.change_reference or None,
        **_given(input),
    )


@strawberry.input(description="Which snapshot to bring its instance back to.")
class RecoverSnapshotInput(ChangeInput):
    """Which snapshot to bring its instance back to."""

    snapshot_id: ID = strawberry.field(description="The snapshot; `expectedRevision` is of its instance.")


@strawberry.type(description="What came of recovering a snapshot.")
class RecoverSnapshotPayload(Payload):
    """What came of recovering a snapshot."""

    subject_name, loader = "snapshot", "snapshot_by_id"

    snapshot: Snapshot | None = strawberry.field(description="The snapshot, as it is now; null if nothing was done.")


@action(Action.RECOVER_SNAPSHOT, payload=RecoverSnapshotPayload)
def recover_snapshot(caller: Caller, input: RecoverSnapshotInput) -> Change:  # noqa: A002
    """Bring an inactive instance back to a snapshot."""
    return commands.recover_snapshot(key_in(input.snapshot_id), revision_in(input))


@strawberry.input(description="Which snapshot to delete.")
class DeleteSnapshotInput(ChangeInput):
    """Which snapshot to delete."""

    snapshot_id: ID = strawberry.field(description="The snapshot; `expectedRevision` is of its instance.")


@strawberry.type(description="What came of deleting a snapshot.")
class DeleteSnapshotPayload(Payload):
    """What came of deleting a snapshot."""

    subject_name, loader = "snapshot", "snapshot_by_id"

    snapshot: Snapshot | None = strawberry.field(description="The snapshot, if it is still there.")


@action(Action.DELETE_SNAPSHOT, payload=DeleteSnapshotPayload)
def delete_snapshot(caller: Caller, input: DeleteSnapshotInput) -> Change:  # noqa: A002
    """Delete a snapshot."""
    return commands.delete_snapshot(key_in(input.snapshot_id), revision_in(input))
