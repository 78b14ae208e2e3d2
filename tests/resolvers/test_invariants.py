from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import CheckConstraint, NullPool, UniqueConstraint, insert, literal, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlmodel import SQLModel

from auth.tables import Account, Cloud, Membership, Organization, table
from gateway.postgres import DatabaseUrls
from resolvers import tables as t
from resolvers.tables import Operation, Resource, Service
from tests.resolvers.shop import NOON, TENANT_TABLES, Shop, load_shop

IN_CLOUDS = [model for model in TENANT_TABLES if "cloud_id" in table(model).c]


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
async def engine(database: DatabaseUrls, shop: Shop) -> AsyncIterator[AsyncEngine]:
    """The database as its owner uses it: no row policy stands before a constraint."""
    owner = create_async_engine(database.owner, poolclass=NullPool)
    async with owner.begin() as connection:
        await load_shop(connection, shop)
    await owner.dispose()
    engine = create_async_engine(database.owner)
    yield engine
    await engine.dispose()


@pytest.fixture
async def connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection whose transaction is rolled back."""
    async with engine.connect() as connection:
        yield connection


async def add(connection: AsyncConnection, model: type[SQLModel], values: dict[str, Any]) -> None:
    """Insert one row, of which `values` may replace a column's type too."""
    row = model(**{name: None if isinstance(value, Wrong) else value for name, value in values.items()}).model_dump()
    wrong = {name: value.expression for name, value in values.items() if isinstance(value, Wrong)}
    await connection.execute(insert(table(model)).values(row | wrong))


@dataclass(frozen=True)
class Wrong:
    """A value that no column type of ours would let through."""

    expression: Any


async def refusal(connection: AsyncConnection, model: type[SQLModel], values: dict[str, Any]) -> str:
    """Insert a row that is refused, and give the name of the constraint that did."""
    with pytest.raises(DBAPIError) as caught:
        await add(connection, model, values)
    assert caught.value.orig is not None
    cause = caught.value.orig.__cause__
    assert isinstance(cause, asyncpg.PostgresError)
    return cause.constraint_name or type(cause).__name__


@pytest.mark.parametrize("model", TENANT_TABLES)
async def test_a_valid_row_is_accepted(connection: AsyncConnection, shop: Shop, model: type[SQLModel]) -> None:
    before = await rows_of(connection, model)
    await add(connection, model, shop.another(model))
    assert await rows_of(connection, model) == before + 1


async def rows_of(connection: AsyncConnection, model: type[SQLModel]) -> int:
    return len((await connection.execute(table(model).select())).all())


@pytest.mark.parametrize("model", [model for model in IN_CLOUDS if model not in (Membership, Operation)])
async def test_a_row_lies_in_the_cloud_of_what_it_belongs_to(
    connection: AsyncConnection, shop: Shop, model: type[SQLModel]
) -> None:
    values = shop.another(model)
    belongs = {"resource_id", "instance_id", "service_id", "maintenance_id", "operation_id"} & set(values)
    if belongs:
        constraint = await refusal(connection, model, values | {"cloud_id": shop.beta})
        assert constraint in {f"fk_{table(model).name}_organization_id_cloud_id_{column}" for column in belongs}
        await connection.rollback()
    assert "cloud_id" in await refusal(connection, model, values | {"cloud_id": uuid4()})


@pytest.mark.parametrize("model", [model for model in TENANT_TABLES if "organization_id" in table(model).primary_key])
async def test_a_row_lies_in_the_organization_of_what_it_belongs_to(
    connection: AsyncConnection, shop: Shop, model: type[SQLModel]
) -> None:
    assert "fk_" in await refusal(connection, model, shop.another(model) | {"organization_id": uuid4()})
    await connection.rollback()
    if model in IN_CLOUDS:
        values = shop.another(model) | {"organization_id": shop.globex}
        assert "fk_" in await refusal(connection, model, values)


Case = tuple[type[SQLModel], dict[str, Any], str]


def tags(number: int) -> dict[str, str]:
    return {f"key-{n}": "value" for n in range(number)}


def json(value: Any) -> Wrong:
    return Wrong(literal(value, JSONB))


# What is wrong in a row that is valid otherwise, and the constraint that says so.
REFUSED: dict[str, Case] = {
    "an organization's code that is not fit for URLs": (Organization, {"code": "Acme/1"}, "ck_organization_code_form"),
    "an organization without a name": (Organization, {"name": ""}, "ck_organization_name_length"),
    "two organizations of one code": (Organization, {"code": "acme"}, "uq_organization_code"),
    "a Cloud's code that is not fit for URLs": (Cloud, {"code": "-alpha"}, "ck_cloud_code_form"),
    "a Cloud without a name": (Cloud, {"name": ""}, "ck_cloud_name_length"),
    "two Clouds of one code": (Cloud, {"code": "alpha"}, "uq_cloud_code"),
    "two default Clouds of an organization": (Cloud, {"is_default": True}, "uq_cloud_default"),
    "an e-mail address with capitals": (Account, {"email": "Ann@acme.example"}, "ck_account_email_lower"),
    "two accounts of one e-mail address": (Account, {"email": "ann@acme.example"}, "uq_account_email"),
    "an account of an unknown kind": (Account, {"kind": "ROBOT"}, "ck_account_kind_known"),
    "an API account without an organization": (
        Account,
        {"kind": "API_ACCOUNT"},
        "ck_account_api_account_organization",
    ),
    "an unknown profile": (Membership, {"profile": "ROOT"}, "ck_membership_profile_known"),
    "a membership of nobody": (Membership, {"account_id": uuid4()}, "fk_membership_account_id"),
    "an area without a code": (t.Area, {"code": ""}, "ck_area_code_length"),
    "an area of an unknown region": (t.Area, {"region_code": "XX"}, "fk_area_region_code"),
    "a VLAN of 0": (t.Network, {"vlan": 0}, "ck_network_vlan_range"),
    "a VLAN of 4095": (t.Network, {"vlan": 4095}, "ck_network_vlan_range"),
    "an unknown scope of a network": (t.Network, {"scope": "MARS"}, "ck_network_scope_known"),
    "two networks of the same addresses in a VLAN": (
        t.Network,
        {"vlan": 1},
        "uq_network_organization_id_cidr_vlan",
    ),
    "a network in no area": (t.Network, {"area_id": uuid4()}, "fk_network_organization_id_area_id"),
    "a domain without a name": (t.Domain, {"fqdn": ""}, "ck_domain_fqdn_length"),
    "a Service without a name": (Service, {"name": ""}, "ck_service_name_length"),
    "a Service whose name has a slash": (Service, {"name": "a/b"}, "ck_service_name_no_slash"),
    "two Services of one name in a Cloud": (
        Service,
        {"name": "shop"},
        "uq_service_organization_id_cloud_id_name",
    ),
    "a second resource of the same name in a Service": (
        Resource,
        {"name": "web-01"},
        "uq_resource_organization_id_service_id_name",
    ),
    "a double external id": (Resource, {"external_id": "web-01"}, "uq_resource_organization_id_external_id"),
    "a resource without a name": (Resource, {"name": ""}, "ck_resource_name_length"),
    "a resource with a name of 201 characters": (Resource, {"name": "é" * 201}, "ck_resource_name_length"),
    "a resource whose name has a slash": (Resource, {"name": "a/b"}, "ck_resource_name_no_slash"),
    "a resource of an unknown type": (Resource, {"type": "TOASTER"}, "ck_resource_type_known"),
    "a resource of an unknown status": (Resource, {"status": "LOST"}, "ck_resource_status_known"),
    "a resource in an unknown environment": (Resource, {"environment": "moon"}, "fk_resource_environment"),
    "a resource of an unknown product": (Resource, {"product_id": uuid4()}, "fk_resource_product_id"),
    "an unknown support phase": (Resource, {"support_phase": "ENDLESS"}, "ck_resource_support_phase_known"),
    "a resource in no network of its organization": (
        Resource,
        {"network_id": uuid4()},
        "fk_resource_organization_id_network_id",
    ),
    "a revision of 0": (Resource, {"revision": 0}, "ck_resource_revision_positive"),
    "a resource changed before it was created": (
        Resource,
        {"updated_at": NOON - timedelta(microseconds=1)},
        "ck_resource_times_in_order",
    ),
    "a resource in no data center": (
        Resource,
        {"data_centers": [], "availability_zones": []},
        "ck_resource_data_centers_some",
    ),
    "an unknown data center": (Resource, {"data_centers": ["EB4", "EB9"]}, "fk_resource_data_centers"),
    "a data center that is null": (Resource, {"data_centers": ["EB4", None]}, "fk_resource_data_centers"),
    "an unknown zone": (Resource, {"availability_zones": ["EB-Z"]}, "fk_resource_availability_zones"),
    "a zone that is null": (Resource, {"availability_zones": ["EB-HDS-A", None]}, "fk_resource_availability_zones"),
    "a zone that is in none of the data centers": (
        Resource,
        {"data_centers": ["EB5", "ET2"], "availability_zones": ["EB-HDS-C", "EB-HDS-A"]},
        "fk_resource_availability_zones",
    ),
    "51 tags": (Resource, {"tags": tags(51)}, "ck_resource_tags_most"),
    "tags that are no object": (Resource, {"tags": json([])}, "ck_resource_tags_object"),
    "a tag whose value is a number": (Resource, {"tags": json({"a": 1})}, "ck_resource_tags_text"),
    "a tag whose value is null": (Resource, {"tags": json({"a": None})}, "ck_resource_tags_text"),
    "a tag whose value is an object": (Resource, {"tags": json({"a": {"b": "c"}})}, "ck_resource_tags_text"),
    "a tag whose value is a list of texts": (Resource, {"tags": json({"a": ["b"]})}, "ck_resource_tags_text"),
    "a tag key with a colon": (Resource, {"tags": {"a:b": "c"}}, "ck_resource_tag_key_form"),
    "a tag key with a leading exclamation mark": (Resource, {"tags": {"!a": "c"}}, "ck_resource_tag_key_form"),
    "an empty tag key": (Resource, {"tags": {"": "c"}}, "ck_resource_tag_key_length"),
    "a tag key of 129 characters": (Resource, {"tags": {"k" * 129: "c"}}, "ck_resource_tag_key_length"),
    "a tag value of 257 characters": (Resource, {"tags": {"a": "v" * 257}}, "ck_resource_tag_value_length"),
    "an instance of an unknown kind of system": (t.Instance, {"os_type": "DOS"}, "ck_instance_os_type_known"),
    "an instance without a CPU": (t.Instance, {"cpu": 0}, "ck_instance_sizes"),
    "an instance without RAM": (t.Instance, {"ram_gb": 0}, "ck_instance_sizes"),
    "an instance with a negative disk": (t.Instance, {"disk_gb": -1}, "ck_instance_sizes"),
    "a reason for an exclusion that is none": (
        t.Instance,
        {"patching_excluded_reason": "legacy"},
        "ck_instance_patching_reason",
    ),
    "a load balancer on port 0": (t.LoadBalancer, {"port": 0}, "ck_load_balancer_port_range"),
    "a load balancer on port 65536": (t.LoadBalancer, {"port": 65536}, "ck_load_balancer_port_range"),
    "an object store without a quota": (t.ObjectStore, {"quota_gb": 0}, "ck_object_store_sizes"),
    "an object store that holds less than nothing": (t.ObjectStore, {"used_gb": -0.1}, "ck_object_store_sizes"),
    "a database with a negative disk": (t.Middleware, {"disk_gb": -1}, "ck_middleware_disk"),
    "a file system of a negative size": (t.FileSystem, {"size_gb": -1, "free_gb": -1}, "ck_file_system_sizes"),
    "a file system with more free than there is": (t.FileSystem, {"free_gb": 10.5}, "ck_file_system_sizes"),
    "a snapshot without a label": (t.Snapshot, {"label": ""}, "ck_snapshot_label_length"),
    "a snapshot of a negative size": (t.Snapshot, {"size_gb": -1}, "ck_snapshot_size"),
    "a DNS alias without a name": (t.DnsAlias, {"fqdn": ""}, "ck_dns_alias_fqdn_length"),
    "a DNS alias in no domain": (t.DnsAlias, {"domain_id": uuid4()}, "fk_dns_alias_organization_id_domain_id"),
    "a member on port 0": (t.LoadBalancerMember, {"port": 0}, "ck_load_balancer_member_port_range"),
    "a member in an unknown state": (
        t.LoadBalancerMember,
        {"state": "TIRED"},
        "ck_load_balancer_member_state_known",
    ),
    "a member of an unknown status": (
        t.LoadBalancerMember,
        {"status": "TIRED"},
        "ck_load_balancer_member_status_known",
    ),
    "a user of an object store without a label": (
        t.ObjectStoreUser,
        {"label": ""},
        "ck_object_store_user_label_length",
    ),
    "a user of an object store whose secret is no hash": (
        t.ObjectStoreUser,
        {"secret_hash": b"plain"},
        "ck_object_store_user_secret_hash_length",
    ),
    "a user of an object store whose next secret is no hash": (
        t.ObjectStoreUser,
        {"next_secret_hash": b"plain"},
        "ck_object_store_user_next_secret_hash_length",
    ),
    "a user of an object store whose previous secret is no hash": (
        t.ObjectStoreUser,
        {"previous_secret_hash": b"plain", "previous_secret_until": NOON},
        "ck_object_store_user_previous_secret_hash_length",
    ),
    "a user of an object store whose previous secret is good for ever": (
        t.ObjectStoreUser,
        {"previous_secret_hash": b"h" * 32},
        "ck_object_store_user_previous_secret_until",
    ),
    "a namespace that is no DNS label": (t.Namespace, {"name": "a_b"}, "ck_namespace_name_form"),
    "a namespace that may use no CPU": (t.Namespace, {"cpu_limit": 0}, "ck_namespace_limits"),
    "a namespace that may use no RAM": (
        t.Namespace,
        {"cpu_limit": None, "ram_limit_gb": 0},
        "ck_namespace_limits",
    ),
    "a node of an unknown size": (t.ClusterNode, {"sizing_code": "9cpu9gb"}, "fk_cluster_node_sizing_code"),
    "a node in an unknown zone": (
        t.ClusterNode,
        {"availability_zone_code": "EB-Z"},
        "fk_cluster_node_availability_zone_code",
    ),
    "a node of an unknown status": (t.ClusterNode, {"status": "LOST"}, "ck_cluster_node_status_known"),
    "a maintenance window that ends as it starts": (
        t.Maintenance,
        {"ends_at": NOON},
        "ck_maintenance_times_in_order",
    ),
    "a maintenance window that ends before it starts": (
        t.Maintenance,
        {"ends_at": NOON - timedelta(hours=1)},
        "ck_maintenance_times_in_order",
    ),
    "a maintenance window without a reason": (t.Maintenance, {"reason": ""}, "ck_maintenance_reason_length"),
    "a maintenance window at a revision of 0": (t.Maintenance, {"revision": 0}, "ck_maintenance_revision_positive"),
    "a maintenance of nothing": (
        t.MaintenanceSubject,
        {"resource_id": None},
        "ck_maintenance_subject_one_subject",
    ),
    "an indicator without a name": (t.Indicator, {"name": ""}, "ck_indicator_name_length"),
    "an indicator without a target": (t.Indicator, {"target": ""}, "ck_indicator_target_length"),
    "an indicator of an unknown kind": (t.Indicator, {"kind": "SMELL"}, "ck_indicator_kind_known"),
    "an indicator at a revision of 0": (t.Indicator, {"revision": 0}, "ck_indicator_revision_positive"),
    "an SMS account without a sender": (t.SmsSubscription, {"sender": ""}, "ck_sms_subscription_sender_length"),
    "an SMS account that may send nothing": (t.SmsSubscription, {"per_minute": 0}, "ck_sms_subscription_limits"),
    "an SMS account with less per hour than per minute": (
        t.SmsSubscription,
        {"per_minute": 2},
        "ck_sms_subscription_limits",
    ),
    "an operation that is more than done": (Operation, {"progress": 101}, "ck_operation_progress_range"),
    "an operation that is less than begun": (Operation, {"progress": -1}, "ck_operation_progress_range"),
    "an operation of an unknown status": (Operation, {"status": "LOST"}, "ck_operation_status_known"),
    "an operation with an idempotency key and no digest of its input": (
        Operation,
        {"input_digest": None},
        "ck_operation_idempotency_digest",
    ),
    "a step of an unknown status": (t.OperationStep, {"status": "LOST"}, "ck_operation_step_status_known"),
    "two steps in one place": (
        t.OperationStep,
        {"position": 0},
        "uq_operation_step_organization_id_operation_id_position",
    ),
}


@pytest.mark.parametrize("wrong", REFUSED)
async def test_the_database_refuses(connection: AsyncConnection, shop: Shop, wrong: str) -> None:
    model, values, constraint = REFUSED[wrong]
    assert await refusal(connection, model, shop.another(model) | values) == constraint


# What must be given once only: a second row that has the first one's.
TWICE: dict[str, tuple[type[SQLModel], tuple[str, ...]]] = {
    "uq_area_organization_id_code": (t.Area, ("code",)),
    "uq_domain_fqdn": (t.Domain, ("fqdn",)),
    "uq_dns_alias_organization_id_fqdn": (t.DnsAlias, ("fqdn",)),
    "uq_file_system_organization_id_resource_id_mount_point": (t.FileSystem, ("mount_point",)),
    "uq_snapshot_organization_id_resource_id_label": (t.Snapshot, ("label",)),
    "uq_load_balancer_member_organization_id_resource_id_instance_id_port": (t.LoadBalancerMember, ("port",)),
    "uq_object_store_user_organization_id_resource_id_label": (t.ObjectStoreUser, ("label",)),
    "uq_object_store_user_access_key": (t.ObjectStoreUser, ("access_key",)),
    "uq_namespace_organization_id_resource_id_name": (t.Namespace, ("name",)),
    "uq_cluster_node_organization_id_resource_id_name": (t.ClusterNode, ("name",)),
    "uq_indicator_organization_id_service_id_name": (t.Indicator, ("name",)),
    "uq_sms_subscription_organization_id_service_id": (t.SmsSubscription, ("service_id",)),
    "uq_operation_idempotency_key": (Operation, ("action", "submitted_by_id", "idempotency_key")),
    "uq_maintenance_subject_organization_id_maintenance_id_service_id_resource_id": (
        t.MaintenanceSubject,
        ("resource_id",),
    ),
}


@pytest.mark.parametrize("constraint", TWICE)
async def test_what_is_unique_is_given_once(connection: AsyncConnection, shop: Shop, constraint: str) -> None:
    model, names = TWICE[constraint]
    first = shop.another(model)
    await add(connection, model, first)
    second = shop.another(model) | {name: first[name] for name in names}
    # A name of more than 63 bytes is cut, and ends with a digest.
    assert (await refusal(connection, model, second))[:55] == constraint[:55]


async def test_one_operation_is_open_on_a_resource(connection: AsyncConnection, shop: Shop) -> None:
    open_ = shop.another(Operation) | {"resource_id": shop.web, "status": t.OperationStatus.IN_PROGRESS}
    await add(connection, Operation, open_)
    other = shop.another(Operation) | {"resource_id": shop.web, "status": t.OperationStatus.IN_PROGRESS}
    assert await refusal(connection, Operation, other) == "uq_operation_open"


def test_every_rule_of_the_model_is_tried() -> None:
    tried = {constraint for _, _, constraint in REFUSED.values()} | TWICE.keys()
    rules = {
        str(rule.name)
        for model in TENANT_TABLES
        for rule in table(model).constraints
        if isinstance(rule, CheckConstraint | UniqueConstraint)
    }
    of_derived_rows = {str(rule.name) for rule in table(t.ResourceTag).constraints if isinstance(rule, CheckConstraint)}
    # These serve as targets of foreign keys only; the identifier alone is unique already.
    of_keys = {name for name in rules if name.endswith("_organization_id_cloud_id_id")}
    assert (rules | of_derived_rows) - of_keys - tried == {"ck_account_platform_organization"}


async def test_the_platform_s_people_belong_to_no_organization(connection: AsyncConnection, shop: Shop) -> None:
    values = shop.another(Account) | {"is_platform": True, "organization_id": shop.acme}
    assert await refusal(connection, Account, values) == "ck_account_platform_organization"


async def test_a_resource_belongs_to_a_service_of_its_own_cloud(connection: AsyncConnection, shop: Shop) -> None:
    for service in (shop.service_of_beta, shop.service_of_omega, uuid4()):
        values = shop.another(Resource) | {"service_id": service}
        assert await refusal(connection, Resource, values) == "fk_resource_organization_id_cloud_id_service_id"
        await connection.rollback()


async def test_a_load_balancer_s_member_is_of_its_own_cloud(connection: AsyncConnection, shop: Shop) -> None:
    values = shop.another(t.LoadBalancerMember) | {"instance_id": shop.resource_of_beta}
    expected = "fk_load_balancer_member_organization_id_cloud_id_instance_id"
    assert await refusal(connection, t.LoadBalancerMember, values) == expected


async def test_a_maintenance_silences_what_is_in_its_own_cloud(connection: AsyncConnection, shop: Shop) -> None:
    of_beta = {"resource_id": shop.resource_of_beta}, {"resource_id": None, "service_id": shop.service_of_beta}
    for subject in of_beta:
        values = shop.another(t.MaintenanceSubject) | subject
        assert "fk_maintenance_subject_" in await refusal(connection, t.MaintenanceSubject, values)
        await connection.rollback()


async def test_a_maintenance_subject_is_a_service_or_a_resource(connection: AsyncConnection, shop: Shop) -> None:
    values = shop.another(t.MaintenanceSubject) | {"service_id": shop.depot}
    assert await refusal(connection, t.MaintenanceSubject, values) == "ck_maintenance_subject_one_subject"


async def test_50_tags_of_the_greatest_lengths_are_accepted(connection: AsyncConnection, shop: Shop) -> None:
    most = {f"{n:02}" + "é" * 126: "😀" * 256 for n in range(50)}
    await add(connection, Resource, shop.another(Resource) | {"tags": most})
    written = (
        await connection.execute(table(t.ResourceTag).select().where(table(t.ResourceTag).c.key != "team"))
    ).all()
    assert {row.key: row.value for row in written} == most


async def test_a_resource_cannot_be_moved_to_another_cloud(connection: AsyncConnection, shop: Shop) -> None:
    resource = table(Resource)
    moved = {"cloud_id": shop.beta, "service_id": shop.service_of_beta}
    values = shop.another(Resource)
    await add(connection, Resource, values)
    with pytest.raises(DBAPIError) as caught:
        await connection.execute(update(resource).where(resource.c.id == values["id"]).values(moved))
    assert "violates foreign key constraint" in str(caught.value.orig)


async def test_with_a_resource_goes_what_belongs_to_it(connection: AsyncConnection, shop: Shop) -> None:
    resource = table(Resource)
    models: tuple[type[SQLModel], ...] = (*TENANT_TABLES, t.ResourceTag, t.ResourcePlacement)
    parts = [model for model in models if "resource_id" in table(model).c and model is not Operation]
    before = {model: await rows_of_resource(connection, model, shop.web) for model in parts}
    assert [model for model, rows in before.items() if not rows and model is not t.MaintenanceSubject] == []
    await connection.execute(resource.delete().where(resource.c.id == shop.web))
    after = {model: await rows_of_resource(connection, model, shop.web) for model in parts}
    assert [model for model, rows in after.items() if rows] == []


async def rows_of_resource(connection: AsyncConnection, model: type[SQLModel], resource_id: UUID) -> int:
    of = table(model)
    return len((await connection.execute(of.select().where(of.c.resource_id == resource_id))).all())


async def test_a_service_with_resources_cannot_be_deleted(connection: AsyncConnection, shop: Shop) -> None:
    service = table(Service)
    with pytest.raises(DBAPIError) as caught:
        await connection.execute(service.delete().where(service.c.id == shop.shop))
    assert "fk_" in str(caught.value.orig)


async def test_an_operation_outlives_its_resource(connection: AsyncConnection, shop: Shop) -> None:
    operation, resource = table(Operation), table(Resource)
    about = {"resource_id": shop.web, "resource_name": "web-01", "resource_type": "INSTANCE"}
    values = shop.another(Operation) | about
    await add(connection, Operation, values)
    await connection.execute(resource.delete().where(resource.c.id == shop.web))
    kept = (await connection.execute(operation.select().where(operation.c.id == values["id"]))).one()
    assert (kept.resource_id, kept.resource_name) == (shop.web, "web-01")
