"""Object stores and their users."""

from datetime import datetime

import strawberry
from strawberry import ID, UNSET

from auth.permissions import Action
from resolvers.commands import object_store_users as users
from resolvers.commands import object_stores as commands
from resolvers.commands.submission import Change
from resolvers.context import Caller
from resolvers.reads import rows
from resolvers.reads.sources import USERS_OF_OBJECT_STORE
from schema.actions import action
from schema.connections import Connection, connection_of
from schema.edge import edge
from schema.ids import key_in
from schema.node import Node
from schema.payloads import ChangeInput, CommonInput, Payload, SecretPayload, given, revision_in
from schema.resources import Resource, TagInput, detail, tags_in


@strawberry.type(description="Who may use an object store.")
class ObjectStoreUser(Node):
    """A user of an object store."""

    label: str = strawberry.field(description="The label, unique in the object store.")
    access_key: str = strawberry.field(
        description="The access key; the secret that goes with it is shown once, when it is made, and not kept."
    )
    locked: bool = strawberry.field(description="Whether the user is locked out.")
    created_at: datetime = strawberry.field(description="When the user was created.")
    object_store: "ObjectStore" = edge(
        lambda loaders: loaders.resource_by_id, key="resource_id", description="The object store."
    )


@strawberry.type(description="A store of objects.")
class ObjectStore(Resource):
    """An object store."""

    geo_replicated: bool = detail("geo_replicated", description="Whether it is replicated; fixed when it is created.")
    quota_gb: int = detail("quota_gb", description="What it may hold, in GB.")
    used_gb: float = detail("used_gb", description="What it holds, in GB.")
    users: Connection[ObjectStoreUser] = connection_of(
        USERS_OF_OBJECT_STORE, parent="id", description="Who may use it, by label."
    )


@strawberry.input(description="The object store to create.")
class CreateObjectStoresInput(CommonInput):
    """The object store to create."""

    service_id: ID = strawberry.field(description="The Service that it will belong to.")
    name: str = strawberry.field(
        description=f"What is put after `cos-` and the code of the Cloud to make its name, at most"
        f" {commands.LONGEST_NAME} characters; unique in the Cloud."
    )
    data_center: str = strawberry.field(description="The code of its data center, like EB4.")
    geo_replicated: bool = strawberry.field(
        default=False, description="Whether it is replicated to a data center of another region; fixed from then on."
    )
    quota_gb: int = strawberry.field(description=f"What it may hold, in GB: 1 to {commands.LARGEST_QUOTA}.")
    user_label: str = strawberry.field(default="admin", description="The label of its first user.")
    environment: str = strawberry.field(default="production", description="The code of its environment.")
    tags: list[TagInput] | None = strawberry.field(default=UNSET, description="Its tags, at most 50.")


@strawberry.type(description="What came of creating an object store.")
class CreateObjectStoresPayload(SecretPayload):
    """What came of creating an object store."""

    subject_name, loader = "object_store", "resource_by_id"

    object_store: ObjectStore | None = strawberry.field(
        description="The object store, with its first user; null if nothing was done."
    )


def _new_store(asked: CreateObjectStoresInput) -> commands.NewStore:
    return commands.NewStore(
        name=asked.name,
        data_center=asked.data_center,
        geo_replicated=asked.geo_replicated,
        quota_gb=asked.quota_gb,
        environment=asked.environment,
        tags=tuple(tags_in(given(asked.tags))),
        user_label=asked.user_label,
    )


@action(
    Action.CREATE_OBJECT_STORES,
    payload=CreateObjectStoresPayload,
    check=lambda asked, _now: commands.check_store(_new_store(asked)),
)
def create_object_stores(caller: Caller, input: CreateObjectStoresInput) -> Change:  # noqa: A002
    """Create an object store with one first user."""
    return commands.create_store(key_in(input.service_id), _new_store(input), caller.principal.email)


@strawberry.input(description="What to change of an object store.")
class UpdateObjectStoresInput(ChangeInput):
    """What to change of an object store."""

    object_store_id: ID = strawberry.field(description="The object store.")
    quota_gb: int | None = strawberry.field(
        default=UNSET, description="What it may hold, in GB, not less than it holds; as it is if absent."
    )
    tags: list[TagInput] | None = strawberry.field(
        default=UNSET, description="All of its tags, in the place of those it has; as they are if absent."
    )


@strawberry.type(description="What came of changing an object store.")
class UpdateObjectStoresPayload(Payload):
    """What came of changing an object store."""

    subject_name, loader = "object_store", "resource_by_id"

    object_store: ObjectStore | None = strawberry.field(
        description="The object store, as it is now; null if nothing was done."
    )


def _store_change(asked: UpdateObjectStoresInput) -> tuple[int | None, tuple[tuple[str, str], ...] | None]:
    tags = given(asked.tags)
    return given(asked.quota_gb), None if tags is None else tuple(tags_in(tags))


@action(
    Action.UPDATE_OBJECT_STORES,
    payload=UpdateObjectStoresPayload,
    check=lambda asked, _now: commands.check_store_change(*_store_change(asked)),
)
def update_object_stores(caller: Caller, input: UpdateObjectStoresInput) -> Change:  # noqa: A002
    """Change the quota or the tags of an object store."""
    return commands.update_store(key_in(input.object_store_id), revision_in(input), *_store_change(input))


@strawberry.input(description="Which object store to delete.")
class DeleteObjectStoresInput(ChangeInput):
    """Which object store to delete."""

    object_store_id: ID = strawberry.field(description="The object store; it must be empty.")


@strawberry.type(description="What came of deleting an object store.")
class DeleteObjectStoresPayload(Payload):
    """What came of deleting an object store."""

    subject_name, loader = "object_store", "resource_by_id"

    object_store: ObjectStore | None = strawberry.field(description="The object store, as long as it is there.")


@action(Action.DELETE_OBJECT_STORES, payload=DeleteObjectStoresPayload)
def delete_object_stores(caller: Caller, input: DeleteObjectStoresInput) -> Change:  # noqa: A002
    """Delete an object store that holds nothing."""
    return commands.delete_store(key_in(input.object_store_id), revision_in(input))


@strawberry.input(description="The user to add to an object store.")
class CreateUserObjectstoresInput(ChangeInput):
    """The user to add to an object store."""

    object_store_id: ID = strawberry.field(description="The object store.")
    label: str = strawberry.field(description="The label, unique in the object store.")


@strawberry.type(description="What came of adding a user to an object store.")
class CreateUserObjectstoresPayload(SecretPayload):
    """What came of adding a user to an object store."""

    subject_name, loader = "object_store_user", "object_store_user_by_id"

    object_store_user: ObjectStoreUser | None = strawberry.field(
        description="The user, with the access key; null if nothing was done."
    )


@action(
    Action.CREATE_USER_OBJECTSTORES,
    payload=CreateUserObjectstoresPayload,
    check=lambda asked, _now: users.check_label(asked.label),
)
def create_user_objectstores(caller: Caller, input: CreateUserObjectstoresInput) -> Change:  # noqa: A002
    """Add a user to an object store; the secret is shown once."""
    return users.create_user(key_in(input.object_store_id), input.label, revision_in(input))


@strawberry.input(description="What to change of a user of an object store.")
class UpdateUserObjectstoresInput(ChangeInput):
    """What to change of a user of an object store."""

    object_store_user_id: ID = strawberry.field(description="The user.")
    label: str | None = strawberry.field(
        default=UNSET, description="The label, unique in the object store; as it is if absent."
    )
    locked: bool | None = strawberry.field(
        default=UNSET, description="Whether the user is locked out; as it is if absent."
    )
    renew_secret: bool = strawberry.field(
        default=False, description="Make a new secret, good from the end of the operation on."
    )
    grace_seconds: int | None = strawberry.field(
        default=UNSET,
        description="For how long the secret before stays good when it is renewed, in seconds: 0, which it is if"
        f" absent, to {users.LONGEST_GRACE}.",
    )


@strawberry.type(description="What came of changing a user of an object store.")
class UpdateUserObjectstoresPayload(SecretPayload):
    """What came of changing a user of an object store."""

    subject_name, loader = "object_store_user", "object_store_user_by_id"

    object_store_user: ObjectStoreUser | None = strawberry.field(
        description="The user, as they are now; null if nothing was done."
    )

    @classmethod
    def makes_secret(cls, operation: rows.OperationRow) -> bool:
        """Say whether the operation renews the secret."""
        return any(step["name"] == users.RENEW for step in operation.steps)


def _user_change(asked: UpdateUserObjectstoresInput) -> users.UserChange:
    return users.UserChange(
        label=given(asked.label),
        locked=given(asked.locked),
        renew_secret=asked.renew_secret,
        grace_seconds=given(asked.grace_seconds),
    )


@action(
    Action.UPDATE_USER_OBJECTSTORES,
    payload=UpdateUserObjectstoresPayload,
    check=lambda asked, _now: users.check_user_change(_user_change(asked)),
)
def update_user_objectstores(caller: Caller, input: UpdateUserObjectstoresInput) -> Change:  # noqa: A002
    """Rename, lock or unlock a user of an object store, or renew the secret."""
    return users.update_user(key_in(input.object_store_user_id), revision_in(input), _user_change(input))


@strawberry.input(description="Which user of an object store to delete.")
class DeleteUserObjectstoresInput(ChangeInput):
    """Which user of an object store to delete."""

    object_store_user_id: ID = strawberry.field(description="The user; not the last one.")


@strawberry.type(description="What came of deleting a user of an object store.")
class DeleteUserObjectstoresPayload(Payload):
    """What came of deleting a user of an object store."""

    subject_name, loader = "object_store_user", "object_store_user_by_id"

    object_store_user: ObjectStoreUser | None = strawberry.field(description="The user, as long as they are there.")


@action(Action.DELETE_USER_OBJECTSTORES, payload=DeleteUserObjectstoresPayload)
def delete_user_objectstores(caller: Caller, input: DeleteUserObjectstoresInput) -> Change:  # noqa: A002
    """Delete a user of an object store that has another one."""
    return users.delete_user(key_in(input.object_store_user_id), revision_in(input))
