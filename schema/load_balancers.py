"""Load balancers and their members."""

import strawberry

from resolvers.reads.sources import DNS_ALIASES_OF_RESOURCE, MEMBERS_OF_LOAD_BALANCER
from schema.connections import Connection, connection_of
from schema.edge import edge
from schema.enums import MemberState, MemberStatus
from schema.instances import DnsAlias, Instance
from schema.node import Node
from schema.resources import Resource, detail


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
