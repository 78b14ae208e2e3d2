"""Global ids: opaque to clients, stable, one per thing. A prefix says the kind; the rest is the UUID."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from auth.errors import BadUserInput
from auth.principal import Principal, VisibleCloud, VisibleOrganization
from resolvers.reads import rows
from resolvers.reads.accounts import AccountRequestRow, AccountRow, ClientCredentialRow
from resolvers.reads.proposals import CloudRequestRow, ProfileProposalRow
from resolvers.tables import ResourceType

PREFIXES: Mapping[str, str] = {
    "Organization": "org",
    "Cloud": "cld",
    "Service": "srv",
    "Instance": "ins",
    "LoadBalancer": "lbr",
    "ObjectStore": "obs",
    "KubernetesCluster": "kub",
    "ManagedDatabase": "mdb",
    "MessageBroker": "mbr",
    "ApplicationServer": "aps",
    "FileStorage": "fst",
    "Region": "reg",
    "DataCenter": "dct",
    "AvailabilityZone": "azo",
    "Snapshot": "snp",
    "DnsAlias": "dns",
    "LoadBalancerMember": "mem",
    "ObjectStoreUser": "usr",
    "Namespace": "nsp",
    "ClusterNode": "nod",
    "Maintenance": "mnt",
    "Indicator": "ind",
    "SmsSubscription": "sms",
    "Operation": "opn",
    "Viewer": "acc",
    "Membership": "mbp",
    "Account": "acn",
    "AccountRequest": "arq",
    "ClientCredential": "ccr",
    "CloudRequest": "crq",
    "ProfileProposal": "ppr",
    "Product": "prd",
    "Network": "net",
    "FileSystem": "fsy",
}
TYPE_NAMES = {prefix: name for name, prefix in PREFIXES.items()}
RESOURCE_TYPES: Mapping[str, str] = {kind.value: kind.type_name for kind in ResourceType}
"""The GraphQL type of each resource type."""
ROW_TYPES: Mapping[type, str] = {
    Principal: "Viewer",
    rows.OrganizationRow: "Organization",
    VisibleOrganization: "Organization",
    rows.CloudRow: "Cloud",
    VisibleCloud: "Cloud",
    rows.ServiceRow: "Service",
    rows.RegionRow: "Region",
    rows.DataCenterRow: "DataCenter",
    rows.AvailabilityZoneRow: "AvailabilityZone",
    rows.SnapshotRow: "Snapshot",
    rows.DnsAliasRow: "DnsAlias",
    rows.LoadBalancerMemberRow: "LoadBalancerMember",
    rows.ObjectStoreUserRow: "ObjectStoreUser",
    rows.NamespaceRow: "Namespace",
    rows.ClusterNodeRow: "ClusterNode",
    rows.MaintenanceRow: "Maintenance",
    rows.IndicatorRow: "Indicator",
    rows.SmsSubscriptionRow: "SmsSubscription",
    rows.OperationRow: "Operation",
    AccountRow: "Account",
    AccountRequestRow: "AccountRequest",
    ClientCredentialRow: "ClientCredential",
    CloudRequestRow: "CloudRequest",
    ProfileProposalRow: "ProfileProposal",
}
RESOURCE_ROWS = (rows.ResourceRow, rows.PartOfResourceRow)
FORM = re.compile(r"([a-z]{3})_([0-9a-f]{32})", re.ASCII)


def type_name(row: Any) -> str:
    """Name the GraphQL type of a row."""
    if isinstance(row, RESOURCE_ROWS):
        return RESOURCE_TYPES[cast("rows.ResourceRow", row).type]
    return ROW_TYPES[type(row)]


def type_names(column: Sequence[Any]) -> list[str]:
    """Name the GraphQL types of a column of rows."""
    if all(issubclass(kind, RESOURCE_ROWS) for kind in {*map(type, column)}):
        return [RESOURCE_TYPES[row.type] for row in column]
    return [type_name(row) for row in column]


def global_id(type_: str, key: UUID) -> str:
    """Make the id of a thing of a GraphQL type."""
    return f"{PREFIXES[type_]}_{key.hex}"


def parse_id(value: str, *, argument: str) -> tuple[str, UUID]:
    """Give the GraphQL type and the key of an id; raises BadUserInput, naming the argument, if it is not one."""
    match = FORM.fullmatch(value)
    if match is None or match[1] not in TYPE_NAMES:
        raise BadUserInput("This is not an id: take ids from the `id` fields of answers.", argument=argument)
    return TYPE_NAMES[match[1]], UUID(match[2])


def key_of(value: str, *types: str, argument: str) -> UUID | None:
    """Give the key of an id of one of some types; None for an id of another type, as for one that is not there."""
    type_, key = parse_id(value, argument=argument)
    return key if type_ in types else None


def key_in(value: str) -> UUID:
    """Give the key of an id that is known to be one."""
    return parse_id(value, argument="id")[1]
