"""What comes of a command."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
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
    TAKEN = "TAKEN"


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


@dataclass(frozen=True, slots=True)
class Changed:
    """What a command did: to which resource, if it is one, and with which row if it made or changed another."""

    message: str
    resource: Any = None
    subject_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: an operation, and what it is about; or what is wrong; of a dry run neither."""

    operation_id: UUID | None = None
    subject_id: UUID | None = None
    errors: tuple[UserError, ...] = ()


def check_common(values: Mapping[str, Any]) -> list[UserError]:
    """Check what every input has."""
    found = []
    for name, longest in (("changeReference", LONGEST_REFERENCE), ("idempotencyKey", LONGEST_KEY)):
        text = values.get(name)
        if text is not None and not (0 < len(text) <= longest and text.isprintable()):
            message = f"`{name}` must have 1 to {longest} printable characters."
            found.append(UserError(message, UserErrorCode.INVALID_VALUE, (name,)))
    return found
