"""Where what is created goes: its Service, its place, its environment, its name and its tags.

    wrong = Wrong()
    with wrong:
        await lock_service(transaction, grant, service_id, name)
    with wrong:
        zone = await open_zone(transaction, grant, code, ("availabilityZone",))
    wrong.refuse()

`check_…` is of what an input says by itself; the others ask the database, in the transaction of the command.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import Text, and_, bindparam, exists, false, func, not_, or_, select

from auth.decisions import Grant
from auth.errors import NotFound
from auth.statements import Statement
from auth.tables import Organization, table
from resolvers.commands.outcome import Refused, UserError, UserErrorCode
from resolvers.commands.resources import add_resource
from resolvers.tables import AvailabilityZone, DataCenter, Environment, Resource, Service, ZoneAudience
from resolvers.transaction import Transaction

LONGEST_NAME: Final = 200
MOST_TAGS: Final = 50
LONGEST_KEY: Final = 128
LONGEST_VALUE: Final = 256

NAME_FIELD: Final = ("name",)
_NAMES: Final = "uq_resource_organization_id_service_id_name"
_NOT_TEXT: Final = "\x00"

SERVICE, RESOURCE, ENVIRONMENT = table(Service), table(Resource), table(Environment)
ZONE, CENTER, ORGANIZATION = table(AvailabilityZone), table(DataCenter), table(Organization)

# Held, so that it does not go before what is created in it is there; others may create in it meanwhile.
_LOCK: Final = Statement(
    select(SERVICE.c.id)
    .where(
        and_(
            SERVICE.c.organization_id == bindparam("organization_id"),
            SERVICE.c.cloud_id == bindparam("cloud_id"),
            SERVICE.c.id == bindparam("id"),
        )
    )
    .with_for_update(read=True, key_share=True)
)
_TAKEN: Final = Statement(
    select(
        exists().where(
            RESOURCE.c.organization_id == bindparam("organization_id"),
            RESOURCE.c.service_id == bindparam("id"),
            RESOURCE.c.name == bindparam("name"),
        )
    )
)
_IS_GROUP: Final = func.coalesce(
    select(ORGANIZATION.c.is_group).where(ORGANIZATION.c.id == bindparam("organization_id")).scalar_subquery(), false()
)
_IS_OPEN: Final = or_(ZONE.c.audience == ZoneAudience.CLIENT.value, _IS_GROUP)
_OF_CENTER: Final = ZONE.c.data_center_code == CENTER.c.code
_ZONE: Final = Statement(
    select(ZONE.c.code, CENTER.c.code.label("data_center"), CENTER.c.region_code)
    .join(CENTER, _OF_CENTER)
    .where(ZONE.c.code == bindparam("code", type_=Text()), _IS_OPEN)
)
_CENTER: Final = Statement(
    select(CENTER.c.code, CENTER.c.region_code).where(
        CENTER.c.code == bindparam("code", type_=Text()),
        or_(exists().where(_OF_CENTER, _IS_OPEN), not_(exists().where(_OF_CENTER))),
    )
)
_ENVIRONMENT: Final = Statement(select(exists().where(ENVIRONMENT.c.code == bindparam("code", type_=Text()))))


class Zone(NamedTuple):
    """An availability zone, with its data center."""

    code: str
    data_center: str
    region: str


class Center(NamedTuple):
    """A data center."""

    code: str
    region: str


class Wrong:
    """Collects refusals, each raised in a block under it, so that everything that is wrong is told at once."""

    def __init__(self) -> None:
        self.errors: list[UserError] = []

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _type: type[BaseException] | None, raised: BaseException | None, _traceback: TracebackType | None
    ) -> bool:
        if not isinstance(raised, Refused):
            return False
        self.errors += raised.errors
        return True

    def refuse(self) -> None:
        """Refuse the command if there was any; what the blocks were to give is there if this returns."""
        if self.errors:
            raise Refused(*self.errors)


def check_name(name: str, field: tuple[str, ...] = NAME_FIELD) -> list[UserError]:
    """Check the name of a resource."""
    if 0 < len(name) <= LONGEST_NAME and name.isprintable() and "/" not in name and name == name.strip():
        return []
    message = f'A name has 1 to {LONGEST_NAME} printable characters, no "/" and no space at its ends.'
    return [UserError(message, UserErrorCode.INVALID_VALUE, field)]


def check_text(text: str | None, field: tuple[str, ...], longest: int, *, least: int = 1) -> list[UserError]:
    """Check free text, if there is any: its length, more than spaces in it, and nothing that is not text."""
    if text is None or (least <= len(text.strip()) and len(text) <= longest and is_storable(text)):
        return []
    return [UserError(f"It has {least} to {longest} characters.", UserErrorCode.INVALID_VALUE, field)]


def is_storable(text: str) -> bool:
    """Say whether the database can hold a text: neither NUL nor half of a surrogate pair is in it."""
    return _NOT_TEXT not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def check_range(number: int, least: int, most: int, field: tuple[str, ...], unit: str = "") -> list[UserError]:
    """Check a whole number."""
    if least <= number <= most:
        return []
    message = f"It is {least} to {most}{f' {unit}' if unit else ''}."
    return [UserError(message, UserErrorCode.INVALID_VALUE, field)]


def check_tags(tags: Sequence[tuple[str, str]], field: tuple[str, ...] = ("tags",)) -> list[UserError]:
    """Check the tags of a resource, each a key and a value; a path leads to what is wrong in which of them."""
    wrong = UserErrorCode.INVALID_VALUE
    if len(tags) > MOST_TAGS:
        return [UserError(f"A resource has at most {MOST_TAGS} tags.", wrong, field)]
    found, keys = [], set[str]()
    for index, (key, value) in enumerate(tags):
        place = (*field, str(index))
        if not (0 < len(key) <= LONGEST_KEY and key == key.strip() and is_storable(key)):
            message = f"A key has 1 to {LONGEST_KEY} characters, and no space at its ends."
            found.append(UserError(message, wrong, (*place, "key")))
        elif key.startswith("!") or ":" in key:
            found.append(UserError('A key has no ":", and no "!" before it.', wrong, (*place, "key")))
        elif key in keys:
            found.append(UserError("A key has one value.", wrong, (*place, "key")))
        if len(value) > LONGEST_VALUE or not is_storable(value):
            found.append(UserError(f"A value has at most {LONGEST_VALUE} characters.", wrong, (*place, "value")))
        keys.add(key)
    return found


async def lock_service(
    transaction: Transaction, grant: Grant, service_id: UUID, name: str, field: tuple[str, ...] = NAME_FIELD
) -> None:
    """Hold the Service that a resource is to be created in, in which its name must be free.

    Raises:
        NotFound: there is no such Service in this Cloud.
        Refused: the name is taken.
    """
    await hold_service(transaction, grant, service_id)
    values = {"organization_id": grant.organization_id, "id": service_id, "name": name}
    if (await transaction.fetch(_TAKEN, values))[0][0]:
        raise _taken(field)


async def hold_service(transaction: Transaction, grant: Grant, service_id: UUID) -> None:
    """Hold a Service of the Cloud; raises NotFound if there is none."""
    values = {"organization_id": grant.organization_id, "cloud_id": grant.cloud_id, "id": service_id}
    if not await transaction.fetch(_LOCK, values):
        raise NotFound(grant.privilege.target)


async def create_resource(
    transaction: Transaction, resource: Resource, detail: Any, field: tuple[str, ...] = NAME_FIELD
) -> Any:
    """Add a resource as `add_resource` does; refuses a name that another command took meanwhile."""
    try:
        return await add_resource(transaction, resource, detail)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != _NAMES:
            raise
        raise _taken(field) from None


def _taken(field: tuple[str, ...]) -> Refused:
    return Refused(UserError("A resource of this name is in the Service.", UserErrorCode.NAME_TAKEN, field))


async def open_zone(
    transaction: Transaction, grant: Grant, code: str, field: tuple[str, ...] = ("availabilityZone",)
) -> Zone:
    """Find an availability zone that the organization may place something in.

    Raises:
        Refused: there is none of this code, or it is for the group only: the same answer.
    """
    found = await transaction.fetch(_ZONE, {"organization_id": grant.organization_id, "code": code})
    if not found:
        raise Refused(
            UserError(
                "There is no such availability zone that is open to this organization.",
                UserErrorCode.PLACE_NOT_OPEN,
                field,
            )
        )
    return Zone(*found[0])


async def open_data_center(
    transaction: Transaction, grant: Grant, code: str, field: tuple[str, ...] = ("dataCenter",)
) -> Center:
    """Find a data center that the organization may place something in: one of its zones is open, or it has none.

    Raises:
        Refused: there is none of this code, or all of its zones are for the group only: the same answer.
    """
    found = await transaction.fetch(_CENTER, {"organization_id": grant.organization_id, "code": code})
    if not found:
        raise Refused(
            UserError(
                "There is no such data center that is open to this organization.", UserErrorCode.PLACE_NOT_OPEN, field
            )
        )
    return Center(*found[0])


async def known_environment(transaction: Transaction, code: str, field: tuple[str, ...] = ("environment",)) -> None:
    """Refuse an environment that is not in the catalogue."""
    if not (await transaction.fetch(_ENVIRONMENT, {"code": code}))[0][0]:
        raise Refused(UserError("There is no such environment.", UserErrorCode.NOT_FOUND, field))
