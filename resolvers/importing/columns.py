"""The columns of an inventory: what each may hold, for which types of resources, and what leaving it empty means."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Final, NamedTuple

from pydantic_core import PydanticUndefined
from sqlmodel import SQLModel

from resolvers.importing.catalogue import Catalogue
from resolvers.importing.tags import Tags
from resolvers.importing.values import (
    Address,
    Choice,
    Flag,
    Kind,
    Listed,
    Moment,
    Named,
    NetworkPrefix,
    Number,
    Text,
    WholeNumber,
    latest_moment,
)
from resolvers.tables import (
    Instance,
    KubernetesCluster,
    LoadBalancer,
    Middleware,
    NetworkScope,
    ObjectStore,
    OsType,
    Resource,
    ResourceStatus,
    ResourceType,
    SupportPhase,
)


class Column(NamedTuple):
    """A column: its name, what it may hold, and what it says."""

    name: str
    kind: Kind
    description: str


class Unset(Enum):
    """What an empty cell or a null may mean beside null itself and a default value."""

    REFUSED = "must not be empty"
    ABSENT = "is as if the column were not there"


class Rule(NamedTuple):
    """What holds for a column of one type of resource: its kind, and the value that an empty cell stands for."""

    kind: Kind
    unset: object


DETAILS: Final[Mapping[ResourceType, type[SQLModel]]] = {
    ResourceType.INSTANCE: Instance,
    ResourceType.LOAD_BALANCER: LoadBalancer,
    ResourceType.OBJECT_STORE: ObjectStore,
    ResourceType.KUBERNETES_CLUSTER: KubernetesCluster,
    ResourceType.MANAGED_DATABASE: Middleware,
    ResourceType.MESSAGE_BROKER: Middleware,
    ResourceType.APPLICATION_SERVER: Middleware,
    ResourceType.FILE_STORAGE: Middleware,
}
"""Where a type's own columns are kept."""

IDENTITY: Final = ("organization", "cloud", "service", "type", "name", "external_id")
"""Columns that every row must fill."""
NETWORK: Final = ("area", "vlan", "cidr")
"""Columns that go together."""

_CODE: Final = "[a-z0-9][a-z0-9-]{0,62}"
_CODE_EXPECTED: Final = "a code of a-z, 0-9 and -, at most 63 characters"
_NAME_EXPECTED: Final = "a name of 1 to 200 characters without /"
_NO_SLASH: Final = "[^/]*"
_SHORT: Final = Text(200)
_LONG: Final = Text(10_000)


def columns(catalogue: Catalogue, now: datetime) -> dict[str, Column]:
    """Give every column by its name."""
    code = Text(63, _CODE, _CODE_EXPECTED)
    name = Text(200, _NO_SLASH, _NAME_EXPECTED)
    past = Moment(latest_moment(now))
    listed = (
        Column("organization", code, "Code of the organization."),
        Column("organization_name", _SHORT, "Name of the organization, if the import creates it; its code otherwise."),
        Column("cloud", code, "Code of the Cloud; unique over the platform."),
        Column("service", name, "Name of the Service in its Cloud."),
        Column("type", Choice(list(ResourceType), "type"), "Type of the resource; it never changes."),
        Column("name", name, "Name of the resource, unique in its Service."),
        Column("external_id", _SHORT, "What the source system calls it; unique in the organization."),
        Column("status", Choice(list(ResourceStatus), "status"), "`ACTIVE`, `PREPARATION` or `INACTIVE`."),
        Column("environment", Choice(catalogue.environments, "environment"), "Code of an environment."),
        Column("tags", Tags(), "`key:value;key:value`; at most 50, one value per key."),
        Column(
            "availability_zones",
            Listed(Choice(catalogue.zones, "availability zone")),
            "Codes, `EB-HDS-A;EB-HDS-C`; group zones are for the group.",
        ),
        Column(
            "data_centers",
            Listed(Choice(catalogue.data_centers, "data center")),
            "Codes, `EB4;EB5`. Left out or empty: those of the zones; a new resource needs the one or the other.",
        ),
        Column("monitoring_enabled", Flag(), "Is it monitored?"),
        Column("on_call", Flag(), "Is somebody called at night?"),
        Column("comment", _LONG, "Free text."),
        Column("created_by", _SHORT, "Who created it."),
        Column("product", Named(catalogue.products, "product"), "Code of a product, such as `postgresql-17`."),
        Column("support_level", _SHORT, "Level of support, such as `GOLD`."),
        Column(
            "support_phase",
            Choice(list(SupportPhase), "support phase"),
            "`STANDARD`, `END_OF_SALE`, `EXTENDED` or `END_OF_SUPPORT`.",
        ),
        Column("ip_addresses", Listed(Address()), "`10.0.0.7;2001:db8::7`."),
        Column("area", Text(100), "Area of the network; `area`, `vlan` and `cidr` go together."),
        Column("vlan", WholeNumber(1, 4094), "VLAN of the network."),
        Column("cidr", NetworkPrefix(), "Prefix of the network, such as `10.0.0.0/24`."),
        Column(
            "network_scope",
            Choice(list(NetworkScope), "network scope"),
            "`PRIVATE` (if left out), `INTERCO` or `INTERNET`; for a network that the import creates.",
        ),
        Column("created_at", past, "When it was created; left out or empty: when it is imported."),
        Column("updated_at", past, "When it last changed; left out or empty: when the import changes it."),
        Column("family", _SHORT, "Family: `DEBIAN`, `RHEL`, `WINDOWS_SERVER`; `POSTGRESQL`, `KAFKA`, …"),
        Column("os_type", Choice(list(OsType), "kind of operating system"), "`LINUX`, `WINDOWS` or `UNIX`."),
        Column("cpu", WholeNumber(1), "Number of CPUs."),
        Column("ram_gb", WholeNumber(1), "RAM in GB."),
        Column("disk_gb", WholeNumber(0), "All disks together, in GB."),
        Column("backup_policy", _SHORT, "Name of the backup policy; empty: no backup."),
        Column("backup_last_at", past, "When the last backup was taken."),
        Column("backup_size_gb", Number(), "Size of the last backup, in GB."),
        Column("recovery", Flag(), "Is it part of the disaster recovery plan?"),
        Column("patching_group", _SHORT, "Group it is patched with."),
        Column("patching_next_at", Moment(), "When it is patched next."),
        Column("patching_excluded", Flag(), "Is it left out of patching?"),
        Column("patching_excluded_reason", _LONG, "Why it is left out; only if it is."),
        Column("url", Text(2000), "Address that users see."),
        Column("domain", Text(253), "DNS domain."),
        Column("protocol", _SHORT, "`HTTPS`, `HTTP`, `TCP`, …"),
        Column("port", WholeNumber(1, 65535), "Port it listens on."),
        Column("mode", _SHORT, "How it balances, such as `ROUND_ROBIN`."),
        Column("persistence", _SHORT, "How it keeps a client on a member."),
        Column("fallback_persistence", _SHORT, "How, if that fails."),
        Column("health_check", Text(2000), "What it asks its members."),
        Column("tls_profile", _SHORT, "Which TLS versions and ciphers it takes."),
        Column("redirect_to_https", Flag(), "Does it send HTTP clients to HTTPS?"),
        Column("geo_replicated", Flag(), "Is it kept in a second data center?"),
        Column("quota_gb", WholeNumber(1), "Most it may hold, in GB."),
        Column("used_gb", Number(), "What it holds, in GB."),
        Column("kubernetes_version", _SHORT, "Version of Kubernetes."),
        Column("ingress", _SHORT, "Ingress controller: `NGINX`, `ISTIO`, `TRAEFIK`."),
        Column("high_availability", Flag(), "Is it spread over two data centers?"),
        Column("version", _SHORT, "Version of the product."),
        Column("topology", _SHORT, "Shape, such as `STANDALONE` or `CLUSTER`."),
        Column("tls_enabled", Flag(), "Does it speak TLS?"),
    )
    return {column.name: column for column in listed}


def rules(known: Mapping[str, Column]) -> dict[ResourceType, dict[str, Rule]]:
    """Say for every type of resource which columns it has, and what an empty cell means in them."""
    common = {name: Rule(column.kind, _common_unset(name)) for name, column in known.items() if not types_of(name)}
    return {
        type_: common
        | {
            name: Rule(column.kind, unset_value(DETAILS[type_], name))
            for name, column in known.items()
            if type_ in types_of(name)
        }
        for type_ in ResourceType
    }


def types_of(column: str) -> tuple[ResourceType, ...]:
    """Tell which types of resources have a column of their own by that name; none: every resource has it."""
    return tuple(type_ for type_, table in DETAILS.items() if column in table.model_fields)


def unset_value(table: type[SQLModel], column: str) -> object:
    """Tell what null means in a table's column: null, the default, or that it is refused."""
    if table.metadata.tables[str(table.__tablename__)].c[column].nullable:
        return None
    default = table.model_fields[column].get_default(call_default_factory=True)
    return Unset.REFUSED if default is PydanticUndefined else default


def _common_unset(column: str) -> object:
    match column:
        case "created_at" | "updated_at" | "data_centers" | "organization_name":
            return Unset.ABSENT
        case "product" | "area" | "vlan" | "cidr" | "network_scope":
            return None
        case "organization" | "cloud" | "service" | "external_id":
            return Unset.REFUSED
    return unset_value(Resource, column)


def types_of_table(table: type[SQLModel]) -> tuple[ResourceType, ...]:
    """Tell which types of resources keep their own columns in a table."""
    return tuple(type_ for type_, of_type in DETAILS.items() if of_type is table)
