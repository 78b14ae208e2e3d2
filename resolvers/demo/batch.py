"""Batches of the demo's rows, in the order in which tables can be written."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from sqlmodel import SQLModel

from auth.tables import Account, Cloud, Membership, Organization, OrganizationMember
from resolvers import tables
from resolvers.demo import rows

TABLES: Final[dict[type[NamedTuple], type[SQLModel]]] = {
    rows.OrganizationRow: Organization,
    rows.CloudRow: Cloud,
    rows.AccountRow: Account,
    rows.OrganizationMemberRow: OrganizationMember,
    rows.MembershipRow: Membership,
    rows.AreaRow: tables.Area,
    rows.NetworkRow: tables.Network,
    rows.DomainRow: tables.Domain,
    rows.ServiceRow: tables.Service,
    rows.ResourceRow: tables.Resource,
    rows.InstanceRow: tables.Instance,
    rows.LoadBalancerRow: tables.LoadBalancer,
    rows.ObjectStoreRow: tables.ObjectStore,
    rows.KubernetesClusterRow: tables.KubernetesCluster,
    rows.MiddlewareRow: tables.Middleware,
    rows.FileSystemRow: tables.FileSystem,
    rows.SnapshotRow: tables.Snapshot,
    rows.DnsAliasRow: tables.DnsAlias,
    rows.LoadBalancerMemberRow: tables.LoadBalancerMember,
    rows.ObjectStoreUserRow: tables.ObjectStoreUser,
    rows.NamespaceRow: tables.Namespace,
    rows.ClusterNodeRow: tables.ClusterNode,
    rows.MaintenanceRow: tables.Maintenance,
    rows.MaintenanceSubjectRow: tables.MaintenanceSubject,
    rows.IndicatorRow: tables.Indicator,
    rows.SmsSubscriptionRow: tables.SmsSubscription,
    rows.OperationRow: tables.Operation,
    rows.OperationStepRow: tables.OperationStep,
}
"""Which table a row belongs to, in the order that foreign keys ask for."""


class Batch:
    """Rows of several tables, to be written together."""

    def __init__(self) -> None:
        self._rows: dict[type[Any], list[tuple[Any, ...]]] = {kind: [] for kind in TABLES}

    def add(self, row: tuple[Any, ...]) -> None:
        """Take one row; its class says of which table."""
        self._rows[type(row)].append(row)

    @property
    def resources(self) -> int:
        """Number of resources in the batch."""
        return len(self._rows[rows.ResourceRow])

    def in_order(self) -> Iterator[tuple[type[SQLModel], tuple[str, ...], list[tuple[Any, ...]]]]:
        """Give table, columns and rows of every table that has some, referenced tables first."""
        for kind, made in self._rows.items():
            if made:
                yield TABLES[kind], kind._fields, made
