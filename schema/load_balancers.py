"""Load balancers and their members."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import strawberry
from strawberry import ID, UNSET

from auth.errors import BadUserInput
from auth.permissions import Action
from resolvers.commands import load_balancers as commands
from resolvers.commands import members
from resolvers.commands.outcome import UserError as UserErrorRow
from resolvers.commands.submission import Change
from resolvers.context import Caller
from resolvers.reads.sources import DNS_ALIASES_OF_RESOURCE, MEMBERS_OF_LOAD_BALANCER
from schema.actions import action
from schema.connections import Connection, connection_of
from schema.edge import edge
from schema.enums import MemberState, MemberStatus
from schema.ids import key_in, parse_id
from schema.instances import DnsAlias, Instance
from schema.node import Node
from schema.payloads import ChangeInput, CommonInput, Payload, UserErrorCode, revision_in
from schema.resources import Resource, TagInput, detail, tags_in

NOBODY: Final = UUID(int=0)
"""The key of nothing: an id of another kind is as good as one that is not there."""


@strawberry.type(description="An instance behind a load balancer.")
class LoadBalancerMember(Node):
    """A member of a load balancer."""

    port: int = strawberry.field(description="The port it is reached on.")
    state: MemberState = strawberry.field(description="What operators set.")
    status: MemberStatus = strawberry.field(description="What the platform observes.")
    instance: Instance = edge(
        lambda loaders: loaders.resource_by_id, key="instance_id", description="The instance behind it."
    )
    load_balancer: "LoadBalancer" = edge(
        lambda loaders: loaders.resource_by_id, key="resource_id", description="Its load balancer."
    )


@strawberry.type(description="A load balancer.")
class LoadBalancer(Resource):
    """A load balancer."""

    url: str | None = detail("url", description="Where it is reached.")
    domain: str | None = detail("domain", description="Its domain.")
    protocol: str = detail("protocol", description="Its protocol, like HTTPS.")
    port: int = detail("port", description="The port it listens on.")
    mode: str | None = detail("mode", description="How it distributes, like ROUND_ROBIN.")
    persistence: str | None = detail("persistence", description="What keeps a client on one member.")
    fallback_persistence: str | None = detail(
        "fallback_persistence", description="What keeps a client on one member where the first way cannot."
    )
    health_check: str | None = detail("health_check", description="How it checks its members.")
    tls_profile: str | None = detail("tls_profile", description="Its TLS profile.")
    redirect_to_https: bool = detail("redirect_to_https", description="Whether it redirects HTTP to HTTPS.")
    members: Connection[LoadBalancerMember] = connection_of(
        MEMBERS_OF_LOAD_BALANCER, parent="id", description="The instances behind it, in the order they were added."
    )
    dns_aliases: Connection[DnsAlias] = connection_of(
        DNS_ALIASES_OF_RESOURCE, parent="id", description="Its DNS aliases, by name."
    )


@strawberry.input(description="An instance to put behind a load balancer.")
class LoadBalancerMemberInput:
    """A member to be."""

    instance_id: ID = strawberry.field(description="The instance, of the same Cloud.")
    port: int = strawberry.field(description="The port it is reached on, from 1 to 65535.")


@strawberry.input(description="The load balancer to create.")
class CreateLbInput(CommonInput):
    """The load balancer to create."""

    service_id: ID = strawberry.field(description="Its Service.")
    name: str = strawberry.field(description="Its name, free in its Service: 1 to 200 characters, no slash.")
    protocol: str = strawberry.field(description=f"Its protocol: one of {', '.join(commands.PROTOCOLS)}.")
    port: int = strawberry.field(description="The port it listens on, from 1 to 65535.")
    mode: str = strawberry.field(
        default=commands.MODES[0], description=f"How it distributes: one of {', '.join(commands.MODES)}."
    )
    persistence: str | None = strawberry.field(
        default=UNSET,
        description=f"What keeps a client on one member: one of {', '.join(commands.PERSISTENCES)}; COOKIE takes HTTP"
        " or HTTPS. Nothing, if it is left out.",
    )
    health_check: str | None = strawberry.field(
        default=UNSET, description="How it checks its members, like GET /health HTTP/1.1."
    )
    redirect_to_https: bool = strawberry.field(
        default=False, description="Whether it redirects to HTTPS; only if its protocol is HTTP."
    )
    availability_zones: list[str] = strawberry.field(
        description="The codes of its availability zones, open to the organization, each once."
    )
    environment: str = strawberry.field(description="The code of its environment.")
    members: list[LoadBalancerMemberInput] | None = strawberry.field(
        default=UNSET,
        description=f"The instances behind it, each once on a port, at most {members.MOST_MEMBERS}; they are enabled.",
    )
    tags: list[TagInput] | None = strawberry.field(default=UNSET, description="Its tags, at most 50.")


@strawberry.type(description="What came of creating a load balancer.")
class CreateLbPayload(Payload):
    """What came of creating a load balancer."""

    subject_name, loader = "load_balancer", "resource_by_id"

    load_balancer: LoadBalancer | None = strawberry.field(
        description="The load balancer, in preparation until the operation ends; null if nothing was done."
    )


def _new(asked: CreateLbInput) -> commands.NewLoadBalancer:
    return commands.NewLoadBalancer(
        name=asked.name,
        protocol=asked.protocol,
        port=asked.port,
        mode=asked.mode,
        persistence=None if asked.persistence is UNSET else asked.persistence,
        health_check=None if asked.health_check is UNSET else asked.health_check,
        redirect_to_https=asked.redirect_to_https,
        availability_zones=asked.availability_zones,
        environment=asked.environment,
        tags=dict(tags_in(asked.tags)),
        members=[members.NewMember(_instance(member.instance_id), member.port) for member in asked.members or ()],
    )


def _instance(value: str) -> UUID:
    kind, key = parse_id(value, argument="input.instanceId")
    return key if kind == "Instance" else NOBODY


def _check_instance(value: str, field: tuple[str, ...] = ("instanceId",)) -> list[UserErrorRow]:
    try:
        _instance(value)
    except BadUserInput as error:
        return [UserErrorRow(error.message, UserErrorCode.INVALID_VALUE, field)]
    return []


def _check_new(asked: CreateLbInput, now: datetime) -> Sequence[UserErrorRow]:
    found = [
        error
        for index, member in enumerate(asked.members or ())
        for error in _check_instance(member.instance_id, ("members", str(index), "instanceId"))
    ]
    return found or commands.check_load_balancer(_new(asked), tags_in(asked.tags))


@action(Action.CREATE_LB, payload=CreateLbPayload, check=_check_new)
def create_lb(caller: Caller, input: CreateLbInput) -> Change:  # noqa: A002
    """Create a load balancer."""
    return commands.create_lb(key_in(input.service_id), _new(input), caller.principal.email)


@strawberry.input(description="Which load balancer to start.")
class StartLbInput(ChangeInput):
    """Which load balancer to start."""

    load_balancer_id: ID = strawberry.field(description="The load balancer.")


@strawberry.type(description="What came of starting a load balancer.")
class StartLbPayload(Payload):
    """What came of starting a load balancer."""

    subject_name, loader = "load_balancer", "resource_by_id"

    load_balancer: LoadBalancer | None = strawberry.field(
        description="The load balancer, as it is now; null if nothing was done."
    )


@action(Action.START_LB, payload=StartLbPayload)
def start_lb(caller: Caller, input: StartLbInput) -> Change:  # noqa: A002
    """Start a load balancer that is inactive."""
    return commands.start_lb(key_in(input.load_balancer_id), revision_in(input))


@strawberry.input(description="Which load balancer to stop.")
class StopLbInput(ChangeInput):
    """Which load balancer to stop."""

    load_balancer_id: ID = strawberry.field(description="The load balancer.")


@strawberry.type(description="What came of stopping a load balancer.")
class StopLbPayload(Payload):
    """What came of stopping a load balancer."""

    subject_name, loader = "load_balancer", "resource_by_id"

    load_balancer: LoadBalancer | None = strawberry.field(
        description="The load balancer, as it is now; null if nothing was done."
    )


@action(Action.STOP_LB, payload=StopLbPayload)
def stop_lb(caller: Caller, input: StopLbInput) -> Change:  # noqa: A002
    """Stop an active load balancer."""
    return commands.stop_lb(key_in(input.load_balancer_id), revision_in(input))


@strawberry.input(description="Which load balancer to delete.")
class DeleteLbInput(ChangeInput):
    """Which load balancer to delete."""

    load_balancer_id: ID = strawberry.field(description="The load balancer.")


@strawberry.type(description="What came of deleting a load balancer.")
class DeleteLbPayload(Payload):
    """What came of deleting a load balancer."""

    subject_name, loader = "load_balancer", "resource_by_id"

    load_balancer: LoadBalancer | None = strawberry.field(description="The load balancer, if it is still there.")


@action(Action.DELETE_LB, payload=DeleteLbPayload)
def delete_lb(caller: Caller, input: DeleteLbInput) -> Change:  # noqa: A002
    """Delete an inactive load balancer."""
    return commands.delete_lb(key_in(input.load_balancer_id), revision_in(input))


@strawberry.input(description="Which instance to put behind which load balancer.")
class AddMemberLbInput(ChangeInput):
    """Which instance to put behind which load balancer."""

    load_balancer_id: ID = strawberry.field(description="The load balancer.")
    instance_id: ID = strawberry.field(description="The instance, of the same Cloud.")
    port: int = strawberry.field(description="The port it is reached on, from 1 to 65535.")


@strawberry.type(description="What came of adding a member.")
class AddMemberLbPayload(Payload):
    """What came of adding a member."""

    subject_name, loader = "member", "load_balancer_member_by_id"

    member: LoadBalancerMember | None = strawberry.field(
        description="The member, which begins enabled; null if nothing was done."
    )


def _check_member(asked: AddMemberLbInput, now: datetime) -> Sequence[UserErrorRow]:
    return _check_instance(asked.instance_id) + members.check_port(asked.port)


@action(Action.ADD_MEMBER_LB, payload=AddMemberLbPayload, check=_check_member)
def add_member_lb(caller: Caller, input: AddMemberLbInput) -> Change:  # noqa: A002
    """Put an instance behind a load balancer."""
    member = members.NewMember(_instance(input.instance_id), input.port)
    return members.add_member_lb(key_in(input.load_balancer_id), member, revision_in(input))


@strawberry.input(description="Which member to take from its load balancer.")
class DeleteMemberLbInput(ChangeInput):
    """Which member to take from its load balancer."""

    load_balancer_member_id: ID = strawberry.field(description="The member.")


@strawberry.type(description="What came of taking a member out.")
class DeleteMemberLbPayload(Payload):
    """What came of taking a member out."""

    subject_name, loader = "member", "load_balancer_member_by_id"

    member: LoadBalancerMember | None = strawberry.field(description="The member, if it is still there.")


@action(Action.DELETE_MEMBER_LB, payload=DeleteMemberLbPayload)
def delete_member_lb(caller: Caller, input: DeleteMemberLbInput) -> Change:  # noqa: A002
    """Take a member from a load balancer."""
    return members.delete_member_lb(key_in(input.load_balancer_member_id), revision_in(input))


@strawberry.input(description="The state to set on a member.")
class UpdateMemberStateInput(ChangeInput):
    """The state to set on a member."""

    load_balancer_member_id: ID = strawberry.field(description="The member.")
    state: MemberState = strawberry.field(description="Its state to be.")


@strawberry.type(description="What came of setting the state of a member.")
class UpdateMemberStatePayload(Payload):
    """What came of setting the state of a member."""

    subject_name, loader = "member", "load_balancer_member_by_id"

    member: LoadBalancerMember | None = strawberry.field(
        description="The member, as it is now; null if nothing was done."
    )


@action(Action.UPDATE_MEMBER_STATE, payload=UpdateMemberStatePayload)
def update_member_state(caller: Caller, input: UpdateMemberStateInput) -> Change:  # noqa: A002
    """Set the state of a member."""
    return members.update_member_state(key_in(input.load_balancer_member_id), input.state, revision_in(input))
