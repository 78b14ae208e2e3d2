"""What comes of a command."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

LONGEST_REFERENCE: Final = 100
LONGEST_KEY: Final = 200


class UserErrorCode(StrEnum):
    """What is wrong with what was asked."""

    INVALID_VALUE = "INVALID_VALUE"
    NOT_FOUND = "NOT_FOUND"
    WRONG_STATUS = "WRONG_STATUS"
    WRONG_REVISION = "WRONG_REVISION"
    OPERATION_IN_PROGRESS = "OPERATION_IN_PROGRESS"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    IN_USE = "IN_USE"
    OVERLAP = "OVERLAP"
    NAME_TAKEN = "NAME_TAKEN"
    UNCHANGED = "UNCHANGED"
    LIMIT_REACHED = "LIMIT_REACHED"
    PLACE_NOT_OPEN = "PLACE_NOT_OPEN"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class UserError:
    """One thing that is wrong, and the path of the input's field that it is wrong with, if it is one."""

    message: str
    code: UserErrorCode
    field: tuple[str, ...] | None = None


class Refused(Exception):
    """A command cannot be done as it was asked; whatever it wrote is taken back."""

    def __init__(self, *errors: UserError) -> None:
        super().__init__()
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Request:
    """What every action is asked with, beside what it is about.

    `digest` is of the caller, the action and the input; `approval` also of the Cloud: by it an approval is found that
    is bound to this operation and no other.
    """

    digest: bytes
    approval: bytes = b""
    change_reference: str | None = None
    idempotency_key: str | None = None
    dry_run: bool = False


class Step(NamedTuple):
    """A step that a driver is to execute; `subject_id` if it is about one thing among several, such as a node."""

    name: str
    subject_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """What a command did in the transaction of its submission, and what is to be executed now.

    `resource` is the resource that no other operation may be at work on until this one ends, with `id`, `name` and
    `type`; `subject_id` the row that it makes or changes where that is not the resource itself. `parameters`, values of
    JSON, are what the effects and the driver need to know. A secret is in none of them but `secret`: the answer shows
    it once, and the driver is brought it under seal.
    """

    steps: Sequence[Step]
    resource: Any = None
    subject_id: UUID | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: an operation, and what it is about; or what is wrong; of a dry run neither.

    The secret, if it made one, is here the first time only.
    """

    operation_id: UUID | None = None
    subject_id: UUID | None = None
    errors: tuple[UserError, ...] = ()
    secret: str | None = field(default=None, repr=False)


def check_common(values: Mapping[str, Any]) -> list[UserError]:
    """Check what every input has."""
    found = []
    for name, longest in (("changeReference", LONGEST_REFERENCE), ("idempotencyKey", LONGEST_KEY)):
        text = values.get(name)
        if text is not None and not (0 < len(text) <= longest and text.isprintable()):
            message = f"`{name}` must have 1 to {longest} printable characters."
            found.append(UserError(message, UserErrorCode.INVALID_VALUE, (name,)))
    return found
