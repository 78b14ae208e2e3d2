"""What is done to the monitoring of resources: the same for each kind of them."""

from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import select

from auth.decisions import Grant
from auth.permissions import Action
from auth.statements import Statement
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import lock_resource
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.resources import RESOURCE, change_resource, in_place, key_of
from resolvers.commands.submission import Change
from resolvers.transaction import Transaction

_MONITORING: Final = Statement(select(RESOURCE.c.monitoring_enabled, RESOURCE.c.on_call).where(*in_place(RESOURCE)))


def enable_monitoring(resource_id: UUID, on_call: bool, expected_revision: int | None) -> Change:
    """Switch the monitoring of a resource on, and say whether somebody is on call for it."""
    return partial(_switch, resource_id, (True, on_call), expected_revision)


def disable_monitoring(resource_id: UUID, expected_revision: int | None) -> Change:
    """Switch the monitoring of a resource off; then nobody is on call for it either."""
    return partial(_switch, resource_id, (False, False), expected_revision)


async def _switch(
    resource_id: UUID,
    wanted: tuple[bool, bool],
    expected_revision: int | None,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    resource = await lock_resource(transaction, grant, resource_id, expected_revision)
    (monitored,) = await transaction.fetch(_MONITORING, key_of(grant, resource_id))
    enabled, on_call = wanted
    if tuple(monitored) == wanted:
        message = "It is monitored so already." if enabled else "It is not monitored."
        raise Refused(UserError(message, UserErrorCode.UNCHANGED))
    step = "Switch the monitoring on" if enabled else "Switch the monitoring off"
    return Changed([Step(step)], resource, parameters={"monitoringEnabled": enabled, "onCall": on_call})


async def _switched(transaction: Transaction, work: Work) -> None:
    enabled, on_call = work.parameters["monitoringEnabled"], work.parameters["onCall"]
    await change_resource(transaction, work, work.resource, work.now, monitoring_enabled=enabled, on_call=on_call)


for _action in (Action.ENABLE_MONITORING_INSTANCE, Action.ENABLE_MONITORING_LB):
    takes_effect(_action, done=_switched, said="Monitored.")
for _action in (Action.DISABLE_MONITORING_INSTANCE, Action.DISABLE_MONITORING_LB):
    takes_effect(_action, done=_switched, said="No longer monitored.")
