"""Setting and removing the tags of a resource, of whatever type."""

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import ID, UNSET

from auth.administration import Administration, Target
from auth.errors import NotFound
from resolvers.administration import tags
from resolvers.administration.submission import Change
from resolvers.commands.outcome import UserError
from resolvers.commands.placing import MOST_TAGS
from resolvers.context import Caller
from schema.administering import AdministrationInput, AdministrationPayload, administers
from schema.guarded import Found
from schema.ids import RESOURCE_TYPES, parse_id
from schema.node import load_node
from schema.resources import Resource, TagInput, tags_in


@strawberry.input(description="Which tags of which resource to set and to remove; those that are not named stay.")
class SetTagsInput(AdministrationInput):
    """Which tags of which resource to set and to remove."""

    resource_id: ID = strawberry.field(description="The resource, of whatever type.")
    set: list[TagInput] | None = strawberry.field(
        default=UNSET, description=f"The tags to set, over what the keys had; a resource has at most {MOST_TAGS}."
    )
    remove: list[str] | None = strawberry.field(
        default=UNSET, description="The keys to remove; one that is not there is removed already."
    )
    expected_revision: int | None = strawberry.field(
        default=UNSET, description="Refuse if it has another revision by now."
    )


@strawberry.type(description="What came of setting tags.")
class SetTagsPayload(AdministrationPayload):
    """What came of setting tags."""

    subject_name, loader = "resource", "resource_by_id"

    resource: Resource | None = strawberry.field(description="The resource, as it is now; null if nothing was done.")


async def _find(caller: Caller, asked: SetTagsInput) -> Found:
    kind, key = parse_id(asked.resource_id, argument="input.resourceId")
    row = await load_node(caller, kind, key) if kind in RESOURCE_TYPES.values() else None
    if row is None:
        raise NotFound("Resource")
    place = (row.organization_id, row.cloud_id)
    return Found(Target(*place), f"The tags of {row.name}.", row.id, place)


def _check(asked: SetTagsInput, _now: datetime) -> Sequence[UserError]:
    return tags.check_changes(tags_in(asked.set), list(asked.remove or ()))


@administers(Administration.SET_TAGS, payload=SetTagsPayload, find=_find, check=_check)
def set_tags(caller: Caller, input: SetTagsInput) -> Change:  # noqa: A002
    """Set or remove tags of a resource."""
    kind, key = parse_id(input.resource_id, argument="input.resourceId")
    revision = None if input.expected_revision is UNSET else input.expected_revision
    return tags.set_tags(key, kind, dict(tags_in(input.set)), list(input.remove or ()), revision)
