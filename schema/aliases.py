"""Giving DNS aliases to instances and load balancers, and taking them away."""

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import ID

from auth.permissions import Action
from resolvers.commands import aliases as commands
from resolvers.commands.outcome import UserError
from resolvers.commands.submission import Change
from resolvers.context import Caller
from resolvers.tables import ResourceType
from schema.actions import action
from schema.ids import key_in
from schema.instances import DnsAlias
from schema.payloads import ChangeInput, CommonInput, Payload, revision_in


@strawberry.input(description="The instance to give a DNS alias, and the alias.")
class CreateDnsInput(CommonInput):
    """The instance to give a DNS alias, and the alias."""

    instance_id: ID = strawberry.field(description="The instance.")
    fqdn: str = strawberry.field(
        description="The fully qualified name, in lower case, inside a domain that is delegated to the organization."
    )


@strawberry.type(description="What came of giving the instance a DNS alias.")
class CreateDnsPayload(Payload):
    """What came of giving the instance a DNS alias."""

    subject_name, loader = "dns_alias", "dns_alias_by_id"

    dns_alias: DnsAlias | None = strawberry.field(description="The alias; null if nothing was done.")


def _check(input_: CreateDnsInput, _now: datetime) -> Sequence[UserError]:
    return commands.check_fqdn(input_.fqdn)


@action(Action.CREATE_DNS, payload=CreateDnsPayload, check=_check)
def create_dns(caller: Caller, input: CreateDnsInput) -> Change:  # noqa: A002
    """Give an instance a DNS alias."""
    return commands.create_alias(key_in(input.instance_id), input.fqdn)


@strawberry.input(description="Which alias of an instance to delete.")
class DeleteDnsInput(ChangeInput):
    """Which alias of an instance to delete."""

    dns_alias_id: ID = strawberry.field(description="The alias; `expectedRevision` is of its instance.")


@strawberry.type(description="What came of taking a DNS alias from the instance.")
class DeleteDnsPayload(Payload):
    """What came of taking a DNS alias from the instance."""

    subject_name, loader = "dns_alias", "dns_alias_by_id"

    dns_alias: DnsAlias | None = strawberry.field(description="The alias, if it is still there.")


@action(Action.DELETE_DNS, payload=DeleteDnsPayload, part_of=ResourceType.INSTANCE)
def delete_dns(caller: Caller, input: DeleteDnsInput) -> Change:  # noqa: A002
    """Take a DNS alias from an instance."""
    return commands.delete_alias(key_in(input.dns_alias_id), ResourceType.INSTANCE, revision_in(input))


@strawberry.input(description="The load balancer to give a DNS alias, and the alias.")
class CreateDnsLbInput(CommonInput):
    """The load balancer to give a DNS alias, and the alias."""

    load_balancer_id: ID = strawberry.field(description="The load balancer.")
    fqdn: str = strawberry.field(
        description="The fully qualified name, in lower case, inside a domain that is delegated to the organization."
    )


@strawberry.type(description="What came of giving the load balancer a DNS alias.")
class CreateDnsLbPayload(Payload):
    """What came of giving the load balancer a DNS alias."""

    subject_name, loader = "dns_alias", "dns_alias_by_id"

    dns_alias: DnsAlias | None = strawberry.field(description="The alias; null if nothing was done.")


def _check_lb(input_: CreateDnsLbInput, _now: datetime) -> Sequence[UserError]:
    return commands.check_fqdn(input_.fqdn)


@action(Action.CREATE_DNS_LB, payload=CreateDnsLbPayload, check=_check_lb)
def create_dns_lb(caller: Caller, input: CreateDnsLbInput) -> Change:  # noqa: A002
    """Give a load balancer a DNS alias."""
    return commands.create_alias(key_in(input.load_balancer_id), input.fqdn)


@strawberry.input(description="Which alias of a load balancer to delete.")
class DeleteDnsLbInput(ChangeInput):
    """Which alias of a load balancer to delete."""

    dns_alias_id: ID = strawberry.field(description="The alias; `expectedRevision` is of its load balancer.")


@strawberry.type(description="What came of taking a DNS alias from the load balancer.")
class DeleteDnsLbPayload(Payload):
    """What came of taking a DNS alias from the load balancer."""

    subject_name, loader = "dns_alias", "dns_alias_by_id"

    dns_alias: DnsAlias | None = strawberry.field(description="The alias, if it is still there.")


@action(Action.DELETE_DNS_LB, payload=DeleteDnsLbPayload, part_of=ResourceType.LOAD_BALANCER)
def delete_dns_lb(caller: Caller, input: DeleteDnsLbInput) -> Change:  # noqa: A002
    """Take a DNS alias from a load balancer."""
    return commands.delete_alias(key_in(input.dns_alias_id), ResourceType.LOAD_BALANCER, revision_in(input))
