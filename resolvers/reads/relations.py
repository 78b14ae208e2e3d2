"""The tables that lists read, and what filters of resources may name: columns, and rows related to a resource."""

from sqlalchemy import and_
from sqlmodel import SQLModel

from auth.tables import Cloud, Membership, Organization, table
from resolvers import tables as t
from resolvers.reads.predicates import Fields, Relation

ORGANIZATION, CLOUD, SERVICE, RESOURCE = table(Organization), table(Cloud), table(t.Service), table(t.Resource)
PLACEMENT, TAG, NETWORK, AREA = table(t.ResourcePlacement), table(t.ResourceTag), table(t.Network), table(t.Area)
MEMBER, SUBJECT, SIZING = table(t.LoadBalancerMember), table(t.MaintenanceSubject), table(t.Sizing)
PRODUCT, MEMBERSHIP, OPERATION = table(t.Product), table(Membership), table(t.Operation)
SMS_SUBSCRIPTION = table(t.SmsSubscription)


def _of_resource(model: type[SQLModel]) -> Relation:
    related = table(model)
    # With the Cloud the condition is the whole foreign key, by which PostgreSQL knows how many rows to expect.
    keys = [related.c[name] == RESOURCE.c[name] for name in ("organization_id", "cloud_id") if name in related.c]
    on = and_(*keys, related.c.resource_id == RESOURCE.c.id)
    return Relation(related, on, Fields({column.name: column for column in related.c}))


def _network() -> Relation:
    joined = NETWORK.join(
        AREA, and_(AREA.c.organization_id == NETWORK.c.organization_id, AREA.c.id == NETWORK.c.area_id)
    )
    on = and_(NETWORK.c.organization_id == RESOURCE.c.organization_id, NETWORK.c.id == RESOURCE.c.network_id)
    return Relation(joined, on, Fields({"vlan": NETWORK.c.vlan, "area": AREA.c.code, "scope": NETWORK.c.scope}))


RESOURCE_FIELDS = Fields(
    columns={
        "organization": RESOURCE.c.organization_id,
        "cloud": RESOURCE.c.cloud_id,
        "service": RESOURCE.c.service_id,
        **{column.name: column for column in RESOURCE.c},
    },
    relations={
        "tag": _of_resource(t.ResourceTag),
        "placement": _of_resource(t.ResourcePlacement),
        "instance": _of_resource(t.Instance),
        "load_balancer": _of_resource(t.LoadBalancer),
        "object_store": _of_resource(t.ObjectStore),
        "kubernetes_cluster": _of_resource(t.KubernetesCluster),
        "network": _network(),
    },
)
