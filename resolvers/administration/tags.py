"""Setting and removing the tags of a resource, of whatever type."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import select

from auth.administration import AdministrationGrant
from auth.errors import NotFound
from auth.statements import Statement
from auth.tables import table
from resolvers.administration.submission import Change, Done
from resolvers.commands.locking import require_revision
from resolvers.commands.outcome import Refused, UserError, UserErrorCode
from resolvers.commands.placing import MOST_TAGS, check_tags
from resolvers.commands.resources import InCloud, change_resource, in_place, key_of
from resolvers.tables import Resource
from resolvers.transaction import Transaction

RESOURCE: Final = table(Resource)
_LOCK: Final = Statement(select(RESOURCE.c.tags, RESOURCE.c.revision).where(*in_place(RESOURCE)).with_for_update())
_TOO_MANY: Final = UserError(f"A resource has at most {MOST_TAGS} tags.", UserErrorCode.INVALID_VALUE, ("set",))


def check_changes(tags: Sequence[tuple[str, str]], removed: Sequence[str]) -> list[UserError]:
    """Check what is to be set and removed together."""
    found = check_tags(tags, ("set",))
    if not tags and not removed:
        found.append(UserError("There is nothing to set or to remove.", UserErrorCode.INVALID_VALUE, ("set",)))
    if len(removed) > MOST_TAGS:
        found.append(UserError(_TOO_MANY.message, UserErrorCode.INVALID_VALUE, ("remove",)))
    if not {key for key, _ in tags}.isdisjoint(removed):
        found.append(UserError("A key is set or removed, not both.", UserErrorCode.INVALID_VALUE, ("remove",)))
    return found


def set_tags(
    resource_id: UUID, type_name: str, tags: Mapping[str, str], removed: Sequence[str], expected_revision: int | None
) -> Change:
    """Set some tags of a resource and remove others; those that are not named stay, and those not there are gone."""
    return partial(_set_tags, resource_id, type_name, dict(tags), tuple(removed), expected_revision)


async def _set_tags(
    resource_id: UUID,
    type_name: str,
    tags: Mapping[str, str],
    removed: Sequence[str],
    expected_revision: int | None,
    transaction: Transaction,
    grant: AdministrationGrant,
    now: datetime,
) -> Done:
    organization_id, cloud_id = grant.target.organization_id, grant.target.cloud_id
    assert organization_id is not None  # noqa: S101 - nothing is decided without both
    assert cloud_id is not None  # noqa: S101
    place = InCloud(organization_id, cloud_id)
    found = await transaction.fetch(_LOCK, key_of(place, resource_id))
    if not found:
        raise NotFound(grant.rule.target)
    (resource,) = found
    require_revision(resource, expected_revision)
    kept = {name: value for name, value in resource["tags"].items() if name not in removed}
    changed = {**kept, **tags}
    if len(changed) > MOST_TAGS:
        raise Refused(_TOO_MANY)
    await change_resource(transaction, place, resource_id, now, tags=changed)
    return Done(type_name, resource_id, organization_id, cloud_id)
