"""What is done to users of object stores: each has an access key, and a secret that is shown once and never kept."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import LargeBinary, bindparam, exists, func, select, update

from auth.decisions import Grant
from auth.errors import NotFound
from auth.permissions import Action
from auth.statements import Statement
from auth.tables import table
from resolvers.commands.effects import Work, takes_effect
from resolvers.commands.locking import lock_resource
from resolvers.commands.outcome import Changed, Refused, Step, UserError, UserErrorCode
from resolvers.commands.placing import check_name, check_range
from resolvers.commands.resources import Place, add_row, change_resource, change_row, delete_row, in_place, key_of
from resolvers.commands.submission import Change
from resolvers.tables import ObjectStoreUser
from resolvers.transaction import Transaction

LONGEST_GRACE: Final = 7 * 86_400
"""For how many seconds a secret can stay good after it was renewed: a week, to bring the new one everywhere."""
RENEW: Final = "Renew the secret"
"""The step of an operation that makes a new secret for a user who is there."""

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_KEY_LENGTH: Final = 20
_SECRET_BYTES: Final = 30
_LABEL: Final = ("label",)

USER: Final = table(ObjectStoreUser)
_OF_STORE: Final = (
    USER.c.organization_id == bindparam("organization_id"),
    USER.c.cloud_id == bindparam("cloud_id"),
    USER.c.resource_id == bindparam("id"),
)
_USER: Final = Statement(select(USER).where(*in_place(USER)))
_COUNT: Final = Statement(select(func.count()).select_from(USER).where(*_OF_STORE))
_TAKEN: Final = Statement(select(exists().where(*_OF_STORE, USER.c.label == bindparam("label"))))
_KEEP_NEXT: Final = Statement(
    update(USER)
    .where(*in_place(USER))
    .values(next_secret_hash=bindparam("hash", type_=LargeBinary()))
    .returning(USER.c.id)
)


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to be changed of a user; None: as it is."""

    label: str | None = None
    locked: bool | None = None
    renew_secret: bool = False
    grace_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret, to be shown once, and what is kept of it."""

    text: str = field(repr=False)
    hash: bytes = field(repr=False)


def new_secret() -> Secret:
    """Make a secret of 240 random bits."""
    text = secrets.token_urlsafe(_SECRET_BYTES)
    return Secret(text, sha256(text.encode()).digest())


def new_user(place: Place, store_id: UUID, label: str, now: datetime) -> tuple[ObjectStoreUser, Secret]:
    """Make a user of an object store, with a secret."""
    secret = new_secret()
    user = ObjectStoreUser(
        organization_id=place.organization_id,
        cloud_id=place.cloud_id,
        resource_id=store_id,
        label=label,
        access_key="".join(secrets.choice(_LETTERS) for _ in range(_KEY_LENGTH)),
        created_at=now,
        secret_hash=secret.hash,
    )
    return user, secret


def check_label(label: str, where: tuple[str, ...] = _LABEL) -> list[UserError]:
    """Check the label of a user."""
    return check_name(label, where)


def check_user_change(asked: UserChange) -> list[UserError]:
    """Check what is to be changed of a user by itself."""
    found = [] if asked.label is None else check_label(asked.label)
    if asked.grace_seconds is not None:
        grace = ("graceSeconds",)
        found += check_range(asked.grace_seconds, 0, LONGEST_GRACE, grace, "seconds")
        if not asked.renew_secret:
            message = "Only a secret that is renewed stays good for a while."
            found.append(UserError(message, UserErrorCode.INVALID_VALUE, grace))
    elif asked.label is None and asked.locked is None and not asked.renew_secret:
        found.append(UserError("Nothing is to be changed.", UserErrorCode.UNCHANGED))
    return found


def create_user(store_id: UUID, label: str, expected_revision: int | None) -> Change:
    """Add a user to an object store, whose secret is shown once."""
    return partial(_create, store_id, label, expected_revision)


async def _create(
    store_id: UUID,
    label: str,
    expected_revision: int | None,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    store = await lock_resource(transaction, grant, store_id, expected_revision)
    await _refuse_taken(transaction, grant, store_id, label)
    user, secret = new_user(grant, store_id, label, now)
    await add_row(transaction, user)
    await change_resource(transaction, grant, store_id, now)
    parameters = {"label": label, "accessKey": user.access_key}
    return Changed([Step("Create the user")], store, user.id, parameters, secret.text)


async def _gone(transaction: Transaction, work: Work) -> None:
    await delete_row(transaction, work, ObjectStoreUser, work.subject)
    await change_resource(transaction, work, work.resource, work.now)


takes_effect(Action.CREATE_USER_OBJECTSTORES, failed=_gone, said="Created.")


def update_user(user_id: UUID, expected_revision: int | None, asked: UserChange) -> Change:
    """Rename, lock or unlock a user, or renew the secret; the one before stays good for the grace."""
    return partial(_update, user_id, expected_revision, asked)


async def _update(
    user_id: UUID,
    expected_revision: int | None,
    asked: UserChange,
    transaction: Transaction,
    grant: Grant,
    now: datetime,
) -> Changed:
    store, user = await _lock_user(transaction, grant, user_id, expected_revision)
    wanted = {"label": asked.label, "locked": asked.locked}
    parameters: dict[str, Any] = {
        name: each for name, each in wanted.items() if each is not None and each != user[name]
    }
    if not parameters and not asked.renew_secret:
        raise Refused(UserError("The user is so already.", UserErrorCode.UNCHANGED))
    if "label" in parameters:
        await _refuse_taken(transaction, grant, store["id"], parameters["label"])
    parameters["accessKey"] = user["access_key"]
    if not asked.renew_secret:
        return Changed([Step("Change the user")], store, user_id, parameters)
    parameters["graceSeconds"] = asked.grace_seconds or 0
    # Only from the end of the operation on the secret is this one, and only if it succeeds.
    secret = new_secret()
    await transaction.fetch(_KEEP_NEXT, {**key_of(grant, user_id), "hash": secret.hash})
    return Changed([Step(RENEW)], store, user_id, parameters, secret.text)


async def _updated(transaction: Transaction, work: Work) -> None:
    values = {name: work.parameters[name] for name in ("label", "locked") if name in work.parameters}
    grace_seconds = work.parameters.get("graceSeconds")
    for user in await transaction.fetch(_USER, key_of(work, work.subject)):
        if grace_seconds is not None:
            values |= _renewed(user, grace_seconds, work.now)
        await change_row(transaction, work, ObjectStoreUser, work.subject, **values)
        await change_resource(transaction, work, work.resource, work.now)


def _renewed(user: Any, grace_seconds: int, now: datetime) -> dict[str, Any]:
    return {
        "secret_hash": user["next_secret_hash"],
        "next_secret_hash": None,
        "previous_secret_hash": user["secret_hash"] if grace_seconds else None,
        "previous_secret_until": now + timedelta(seconds=grace_seconds) if grace_seconds else None,
    }


async def _not_updated(transaction: Transaction, work: Work) -> None:
    if "graceSeconds" in work.parameters:
        await transaction.fetch(_KEEP_NEXT, {**key_of(work, work.subject), "hash": None})


takes_effect(Action.UPDATE_USER_OBJECTSTORES, done=_updated, failed=_not_updated, said="Changed.")


def delete_user(user_id: UUID, expected_revision: int | None) -> Change:
    """Delete a user of an object store that has another one."""
    return partial(_delete, user_id, expected_revision)


async def _delete(
    user_id: UUID, expected_revision: int | None, transaction: Transaction, grant: Grant, now: datetime
) -> Changed:
    store, user = await _lock_user(transaction, grant, user_id, expected_revision)
    # The store is locked, and another deletion that goes on holds it: nobody else takes one of those counted.
    if (await transaction.fetch(_COUNT, key_of(grant, store["id"])))[0][0] == 1:
        raise Refused(UserError("It is the last user of its object store.", UserErrorCode.IN_USE))
    return Changed([Step("Delete the user")], store, user_id, {"access_key": user["access_key"]})


takes_effect(Action.DELETE_USER_OBJECTSTORES, done=_gone, said="Deleted.")


async def _lock_user(
    transaction: Transaction, grant: Grant, user_id: UUID, expected_revision: int | None
) -> tuple[Any, Any]:
    """Lock the object store of a user; gives both, as they are until the command is committed."""
    values = key_of(grant, user_id)
    before = await transaction.fetch(_USER, values)
    if not before:
        raise NotFound(grant.privilege.target)
    store = await lock_resource(transaction, grant, before[0]["resource_id"], expected_revision)
    users = await transaction.fetch(_USER, values)
    if not users:
        raise NotFound(grant.privilege.target)
    return store, users[0]


async def _refuse_taken(transaction: Transaction, grant: Grant, store_id: UUID, label: str) -> None:
    if (await transaction.fetch(_TAKEN, {**key_of(grant, store_id), "label": label}))[0][0]:
        raise Refused(UserError("A user of this label is in the object store.", UserErrorCode.NAME_TAKEN, _LABEL))
