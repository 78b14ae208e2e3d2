"""In which statuses an action can be run on its target; the actions that are not here ask for none."""

from collections.abc import Mapping
from typing import Final

from auth.permissions import Action
from resolvers.tables import ResourceStatus

ACTIVE, INACTIVE = ResourceStatus.ACTIVE, ResourceStatus.INACTIVE

AVAILABLE: Final[Mapping[Action, frozenset[ResourceStatus]]] = {
    Action.START_INSTANCE: frozenset({INACTIVE}),
    Action.STOP_INSTANCE: frozenset({ACTIVE}),
    Action.RESET_INSTANCE: frozenset({ACTIVE}),
    Action.RESIZE_COMPUTE_INSTANCE: frozenset({ACTIVE, INACTIVE}),
    Action.DELETE_INSTANCE: frozenset({INACTIVE}),
    Action.CREATE_SNAPSHOT: frozenset({ACTIVE, INACTIVE}),
    Action.RECOVER_SNAPSHOT: frozenset({INACTIVE}),
    Action.START_LB: frozenset({INACTIVE}),
    Action.STOP_LB: frozenset({ACTIVE}),
    Action.DELETE_LB: frozenset({INACTIVE}),
    Action.CREATE_CLUSTER_NODES: frozenset({ACTIVE}),
}
