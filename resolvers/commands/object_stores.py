"""What is done to object stores."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, exists, func, select, update

from auth.decisions import Grant
from auth.errors import NotFound
from auth.permissions import Action
from auth.statements import Statement
from auth.tables import Cloud, table, uuid7
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import lock_resource
from resolvers.commands.object_store_users import check_label, new_user
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.placing import (
    Center,
    Wrong,
    check_name,
    check_range,
    check_tags,
    check_text,
    create_resource,
    known_environment,
    lock_service,
    open_data_center,
)
from resolvers.commands.resources import add_row, change_resource, delete_resource, key_of, set_status
from resolvers.commands.submission import Change
from resolvers.tables import DataCenter, ObjectStore, Resource, ResourceStatus, ResourceType
from resolvers.transaction import Transaction

LARGEST_QUOTA: Final = 10_000_000
"""In GB."""
LONGEST_NAME: Final = 130
"""Of the name that is asked for: with what is put before it, the code of the Cloud, it has room in a resource's."""
LONGEST_CODE: Final = 100

STORE, RESOURCE, CLOUD, CENTER = table(ObjectStore), table(Resource), table(Cloud), table(DataCenter)
_CODE: Final = Statement(
    select(CLOUD.c.code).where(
        CLOUD.c.organization_id == bindparam("organization_id"), CLOUD.c.id == bindparam("cloud_id")
    )
)
_ONE_AT_A_TIME: Final = Statement(select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("key"), 0))))
_NAMED: Final = Statement(
    select(
        exists().where(
            RESOURCE.c.organization_id == bindparam("organization_id"),
            RESOURCE.c.cloud_id == bindparam("cloud_id"),
            RESOURCE.c.name == bindparam("name"),
            RESOURCE.c.type == ResourceType.OBJECT_STORE.value,
        )
    )
)
_ELSEWHERE: Final = Statement(
    select(CENTER.c.code).where(CENTER.c.region_code != bindparam("region")).order_by(CENTER.c.code)
)
_OF_STORE: Final = (
    STORE.c.organization_id == bindparam("organization_id"),
    STORE.c.cloud_id == bindparam("cloud_id"),
    STORE.c.resource_id == bindparam("id"),
)
_STORE: Final = Statement(
    select(STORE.c.quota_gb, STORE.c.used_gb, RESOURCE.c.tags)
    .join(RESOURCE, (RESOURCE.c.organization_id == STORE.c.organization_id) & (RESOURCE.c.id == STORE.c.resource_id))
    .where(*_OF_STORE)
)
_SET_QUOTA: Final = Statement(
    update(STORE).where(*_OF_STORE).values(quota_gb=bindparam("quota_gb")).returning(STORE.c.resource_id)
)


@dataclass(frozen=True, slots=True)
class NewStore:
    """An object store to be, and the label of its first user."""

    name: str
    data_center: str
    geo_replicated: bool
    quota_gb: int
    environment: str
    tags: tuple[tuple[str, str], ...]
    user_label: str


def check_quota(quota_gb: int) -> list[UserError]:
    """Check a quota."""
    return check_range(quota_gb, 1, LARGEST_QUOTA, ("quotaGb",), "GB")


def check_store(store: NewStore) -> list[UserError]:
    """Check what can be checked of an object store to be by itself."""
    found = check_name(store.name)
    if not found and len(store.name) > LONGEST_NAME:
        message = f"The name of an object store has at most {LONGEST_NAME} characters."
        found = [UserError(message, UserErrorCode.INVALID_VALUE, ("name",))]
    return [
        *found,
        *check_text(store.data_center, ("dataCenter",), LONGEST_CODE),
        *check_quota(store.quota_gb),
        *check_text(store.environment, ("environment",), LONGEST_CODE),
        *check_tags(store.tags),
        *check_label(store.user_label, ("userLabel",)),
    ]


def create_store(service_id: UUID, store: NewStore, by: str) -> Change:
    """Create an object store in a Service, with one first user, whose secret is shown once."""
    return partial(_create, service_id, store, by)


async def _create(
    service_id: UUID, store: NewStore, by: str, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    name, wrong = await _full_name(transaction, grant, store.name), Wrong()
    with wrong:
        await lock_service(transaction, grant, service_id, name)
        await _refuse_taken(transaction, grant, name)
    with wrong:
        centers = [await open_data_center(transaction, grant, store.data_center)]
        if store.geo_replicated:
            centers.append(await _far_from(transaction, grant, centers[0]))
    with wrong:
        await known_environment(transaction, store.environment)
    wrong.refuse()
    resource = Resource(
        organization_id=grant.organization_id,
        cloud_id=grant.cloud_id,
        id=uuid7(),
        service_id=service_id,
        type=ResourceType.OBJECT_STORE,
        name=name,
        status=ResourceStatus.PREPARATION,
        environment=store.environment,
        tags=dict(store.tags),
        data_centers=[center.code for center in centers],
        created_by=by,
        created_at=now,
        updated_at=now,
    )
    detail = ObjectStore(
        organization_id=grant.organization_id,
        cloud_id=grant.cloud_id,
        resource_id=resource.id,
        geo_replicated=store.geo_replicated,
        quota_gb=store.quota_gb,
    )
    made = await create_resource(transaction, resource, detail)
    user, secret = new_user(grant, resource.id, store.user_label, now)
    await add_row(transaction, user)
    parameters = {
        "quotaGb": store.quota_gb,
        "geoReplicated": store.geo_replicated,
        "dataCenters": resource.data_centers,
        "label": user.label,
        "accessKey": user.access_key,
    }
    return Changed([Step("Create the object store")], made, parameters=parameters, secret=secret.text)


async def _full_name(transaction: Transaction, grant: Grant, name: str) -> str:
    """Put before a name what makes it one over the whole platform: the code of the Cloud is unique there."""
    values = {"organization_id": grant.organization_id, "cloud_id": grant.cloud_id}
    ((code,),) = await transaction.fetch(_CODE, values)
    return f"cos-{code}-{name}"


async def _refuse_taken(transaction: Transaction, grant: Grant, name: str) -> None:
    """Refuse a name that an object store of another Service of the Cloud has."""
    await transaction.fetch(_ONE_AT_A_TIME, {"key": f"object store {name}"})
    values = {"organization_id": grant.organization_id, "cloud_id": grant.cloud_id, "name": name}
    if (await transaction.fetch(_NAMED, values))[0][0]:
        message = "An object store of this name is in the Cloud."
        raise Refused(UserError(message, UserErrorCode.NAME_TAKEN, ("name",)))


async def _far_from(transaction: Transaction, grant: Grant, center: Center) -> Center:
    """Find a data center of another region to replicate to."""
    for (code,) in await transaction.fetch(_ELSEWHERE, {"region": center.region}):
        with suppress(Refused):
            return await open_data_center(transaction, grant, code)
    message = "There is no data center of another region that is open to this organization."
    raise Refused(UserError(message, UserErrorCode.PLACE_NOT_OPEN, ("geoReplicated",)))


async def _created(transaction: Transaction, work: Work) -> None:
    await set_status(transaction, work, work.resource, ResourceStatus.ACTIVE, work.now)


async def _not_created(transaction: Transaction, work: Work) -> None:
    await set_status(transaction, work, work.resource, ResourceStatus.INACTIVE, work.now)


takes_effect(Action.CREATE_OBJECT_STORES, done=_created, failed=_not_created, said="Created.")


def check_store_change(quota_gb: int | None, tags: tuple[tuple[str, str], ...] | None) -> list[UserError]:
    """Check what is to be changed of an object store by itself."""
    if quota_gb is None and tags is None:
        return [UserError("Nothing is to be changed.", UserErrorCode.UNCHANGED)]
    return [*(check_quota(quota_gb) if quota_gb is not None else ()), *(check_tags(tags) if tags is not None else ())]


def update_store(
    store_id: UUID, expected_revision: int | None, quota_gb: int | None, tags: tuple[tuple[str, str], ...] | None
) -> Change:
    """Change the quota of an object store, but not under what it holds, or all of its tags."""
    return partial(_update, store_id, expected_revision, quota_gb, None if tags is None else dict(tags))


async def _update(
    store_id: UUID,
    expected_revision: int | None,
    quota_gb: int | None,
    tags: dict[str, str] | None,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    resource = await lock_resource(transaction, grant, store_id, expected_revision)
    store = await _detail(transaction, grant, store_id)
    asked = {"quotaGb": (quota_gb, store["quota_gb"]), "tags": (tags, store["tags"])}
    parameters = {name: new for name, (new, old) in asked.items() if new is not None and new != old}
    if not parameters:
        raise Refused(UserError("The object store is so already.", UserErrorCode.UNCHANGED))
    if quota_gb is not None and quota_gb < store["used_gb"]:
        message = f"It holds {store['used_gb']:g} GB: a quota cannot be less."
        raise Refused(UserError(message, UserErrorCode.IN_USE, ("quotaGb",)))
    return Changed([Step("Change the object store")], resource, parameters=parameters)


async def _updated(transaction: Transaction, work: Work) -> None:
    if "quotaGb" in work.parameters:
        values = {**key_of(work, work.resource), "quota_gb": work.parameters["quotaGb"]}
        await transaction.fetch(_SET_QUOTA, values)
    tags = {"tags": work.parameters["tags"]} if "tags" in work.parameters else {}
    await change_resource(transaction, work, work.resource, work.now, **tags)


takes_effect(Action.UPDATE_OBJECT_STORES, done=_updated, said="Changed.")


def delete_store(store_id: UUID, expected_revision: int | None) -> Change:
    """Delete an object store that holds nothing."""
    return partial(_delete, store_id, expected_revision)


async def _delete(
    store_id: UUID, expected_revision: int | None, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    resource = await lock_resource(transaction, grant, store_id, expected_revision)
    store = await _detail(transaction, grant, store_id)
    if store["used_gb"] > 0:
        message = f"It holds {store['used_gb']:g} GB: empty it first."
        raise Refused(UserError(message, UserErrorCode.IN_USE))
    await set_status(transaction, grant, store_id, ResourceStatus.PREPARATION, now)
    return Changed([Step("Delete the object store")], resource, parameters={"statusBefore": resource["status"]})


async def _deleted(transaction: Transaction, work: Work) -> None:
    await delete_resource(transaction, work, work.resource)


async def _kept(transaction: Transaction, work: Work) -> None:
    await set_status(transaction, work, work.resource, work.parameters["statusBefore"], work.now)


takes_effect(Action.DELETE_OBJECT_STORES, done=_deleted, failed=_kept, said="Deleted.")


async def _detail(transaction: Transaction, grant: Grant, store_id: UUID) -> Any:
    found = await transaction.fetch(_STORE, key_of(grant, store_id))
    if not found:
        raise NotFound(grant.privilege.target)
    return found[0]
