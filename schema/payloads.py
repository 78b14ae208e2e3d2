"""What mutations answer with, and the inputs that all of them have."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID

import strawberry
from strawberry import UNSET

from resolvers.commands import outcome
from resolvers.commands.outcome import UserErrorCode as UserErrorCode
from resolvers.context import Caller
from resolvers.reads.rows import OperationRow
from schema.edge import Column, Info, by_column
from schema.enums import described
from schema.operations import Operation

T = TypeVar("T")

described(
    UserErrorCode,
    "UserErrorCode",
    "What is wrong with what was asked.",
    {
        "INVALID_VALUE": "A value cannot be.",
        "NOT_FOUND": "Something that the input names does not exist there, or the caller does not see it.",
        "WRONG_STATUS": "The resource has another status than the action takes.",
        "WRONG_REVISION": "It has changed since the expected revision.",
        "OPERATION_IN_PROGRESS": "Another operation is at work on the resource.",
        "IDEMPOTENCY_KEY_REUSED": "The idempotency key was used with another input.",
        "IN_USE": "Something else needs it.",
        "OVERLAP": "It overlaps with another of its kind.",
        "NAME_TAKEN": "There is one of that name, or of that code, already.",
        "UNCHANGED": "It is so already.",
        "LIMIT_REACHED": "There are as many as there can be.",
        "PLACE_NOT_OPEN": "The availability zone or the data center is not open to the organization.",
        "EXPIRED": "It has expired.",
    },
)


def _fields(errors: Sequence[outcome.UserError], info: Info) -> Column:
    return [None if error.field is None else list(error.field) for error in errors]


@strawberry.type(description="Something that is wrong with what was asked; nothing was done.")
class UserError:
    """Something that is wrong with what was asked."""

    message: str = strawberry.field(description="What is wrong, for people.")
    code: UserErrorCode = strawberry.field(description="What is wrong, for programs.")
    field: list[str] | None = by_column(_fields, description="The path of the input's field that it is wrong with.")


class Subject:
    """How a payload finds what its mutation is about."""

    subject_name: ClassVar[str]
    """The name of the field that holds what the mutation is about."""
    loader: ClassVar[str]
    """The name of the loader that finds it."""

    @classmethod
    async def load_subject(cls, caller: Caller, key: UUID | None) -> Any:
        """Load what the mutation is about, as it is now; None if there is none or it has gone."""
        return None if key is None else await getattr(caller.loaders, cls.loader).load(key)


@strawberry.type
class Payload(Subject):
    """What every payload of an action has."""

    operation: Operation | None = strawberry.field(description="The operation; null if nothing was done.")
    user_errors: list[UserError] = strawberry.field(description="What is wrong with what was asked.")

    @classmethod
    def of(cls, *, operation: Any, user_errors: list[Any], subject: Any, secret: str | None = None) -> Self:
        """Make the payload; `secret` is what is shown once, of actions that make one."""
        return cls(**{"operation": operation, "user_errors": user_errors, cls.subject_name: subject})


@strawberry.type
class SecretPayload(Payload):
    """The payload of an action that makes a secret, which is shown once."""

    secret_key: str | None = strawberry.field(
        description="The secret that goes with the access key, in the answer that made it and never again; "
        "null if none was made just now."
    )
    secret_withheld: bool = strawberry.field(
        description="Whether the operation made a secret that this answer, a repetition of the same idempotency key, "
        "does not show: it was in the first one. If that one was lost, renew the secret."
    )

    @classmethod
    def makes_secret(cls, _operation: OperationRow) -> bool:
        """Say whether an operation of this kind made a secret."""
        return True

    @classmethod
    def of(cls, *, operation: Any, user_errors: list[Any], subject: Any, secret: str | None = None) -> Self:
        """Make the payload with the secret, if it is here."""
        made = operation is not None and cls.makes_secret(operation)
        values = {"operation": operation, "user_errors": user_errors, cls.subject_name: subject}
        return cls(**values, secret_key=secret, secret_withheld=made and secret is None)


@strawberry.input
class CommonInput:
    """What every action can be asked with."""

    change_reference: str | None = strawberry.field(
        default=UNSET, description="The number of the change that it is asked for; kept on the operation."
    )
    idempotency_key: str | None = strawberry.field(
        default=UNSET,
        description="Makes it safe to ask again: the same key with the same input gives the same operation.",
    )
    dry_run: bool | None = strawberry.field(
        default=False, description="Check everything, change nothing; there is no operation then."
    )


@strawberry.input
class ChangeInput(CommonInput):
    """What actions on something that exists can be asked with besides."""

    expected_revision: int | None = strawberry.field(
        default=UNSET, description="Refuse if it has another revision by now."
    )


def given(value: T | None) -> T | None:
    """Give a value of an input; None if it is absent."""
    return None if value is UNSET else value


def revision_in(input_: ChangeInput) -> int | None:
    """Give the revision that an input expects; None if it expects none."""
    return None if input_.expected_revision is UNSET else input_.expected_revision
