"""Switching the monitoring of instances and load balancers on and off."""

import strawberry
from strawberry import ID

from auth.permissions import Action
from resolvers.commands import monitoring as commands
from resolvers.commands.submission import Change
from resolvers.context import Caller
from schema.actions import action
from schema.ids import key_in
from schema.instances import Instance
from schema.load_balancers import LoadBalancer
from schema.payloads import ChangeInput, Payload, revision_in


@strawberry.input(description="The instance to monitor.")
class EnableMonitoringInstanceInput(ChangeInput):
    """The instance to monitor."""

    instance_id: ID = strawberry.field(description="The instance.")
    on_call: bool | None = strawberry.field(
        default=False, description="Whether somebody is to be on call for it, day and night."
    )


@strawberry.type(description="What came of switching the monitoring of the instance on.")
class EnableMonitoringInstancePayload(Payload):
    """What came of switching the monitoring of the instance on."""

    subject_name, loader = "instance", "resource_by_id"

    instance: Instance | None = strawberry.field(description="The instance, as it is now; null if nothing was done.")


@action(Action.ENABLE_MONITORING_INSTANCE, payload=EnableMonitoringInstancePayload)
def enable_monitoring_instance(caller: Caller, input: EnableMonitoringInstanceInput) -> Change:  # noqa: A002
    """Switch the monitoring of an instance on."""
    return commands.enable_monitoring(key_in(input.instance_id), bool(input.on_call), revision_in(input))


@strawberry.input(description="The instance to monitor no longer.")
class DisableMonitoringInstanceInput(ChangeInput):
    """The instance to monitor no longer."""

    instance_id: ID = strawberry.field(description="The instance.")


@strawberry.type(description="What came of switching the monitoring of the instance off.")
class DisableMonitoringInstancePayload(Payload):
    """What came of switching the monitoring of the instance off."""

    subject_name, loader = "instance", "resource_by_id"

    instance: Instance | None = strawberry.field(description="The instance, as it is now; null if nothing was done.")


@action(Action.DISABLE_MONITORING_INSTANCE, payload=DisableMonitoringInstancePayload)
def disable_monitoring_instance(caller: Caller, input: DisableMonitoringInstanceInput) -> Change:  # noqa: A002
    """Switch the monitoring of an instance off."""
    return commands.disable_monitoring(key_in(input.instance_id), revision_in(input))


@strawberry.input(description="The load balancer to monitor.")
class EnableMonitoringLbInput(ChangeInput):
    """The load balancer to monitor."""

    load_balancer_id: ID = strawberry.field(description="The load balancer.")
    on_call: bool | None = strawberry.field(
        default=False, description="Whether somebody is to be on call for it, day and night."
    )


@strawberry.type(description="What came of switching the monitoring of the load balancer on.")
class EnableMonitoringLbPayload(Payload):
    """What came of switching the monitoring of the load balancer on."""

    subject_name, loader = "load_balancer", "resource_by_id"

    load_balancer: LoadBalancer | None = strawberry.field(
        description="The load balancer, as it is now; null if nothing was done."
    )


@action(Action.ENABLE_MONITORING_LB, payload=EnableMonitoringLbPayload)
def enable_monitoring_lb(caller: Caller, input: EnableMonitoringLbInput) -> Change:  # noqa: A002
    """Switch the monitoring of a load balancer on."""
    return commands.enable_monitoring(key_in(input.load_balancer_id), bool(input.on_call), revision_in(input))


@strawberry.input(description="The load balancer to monitor no longer.")
class DisableMonitoringLbInput(ChangeInput):
    """The load balancer to monitor no longer."""

    load_balancer_id: ID = strawberry.field(description="The load balancer.")


@strawberry.type(description="What came of switching the monitoring of the load balancer off.")
class DisableMonitoringLbPayload(Payload):
    """What came of switching the monitoring of the load balancer off."""

    subject_name, loader = "load_balancer", "resource_by_id"

    load_balancer: LoadBalancer | None = strawberry.field(
        description="The load balancer, as it is now; null if nothing was done."
    )


@action(Action.DISABLE_MONITORING_LB, payload=DisableMonitoringLbPayload)
def disable_monitoring_lb(caller: Caller, input: DisableMonitoringLbInput) -> Change:  # noqa: A002
    """Switch the monitoring of a load balancer off."""
    return commands.disable_monitoring(key_in(input.load_balancer_id), revision_in(input))
