"""The port that every kind of second factor is behind."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from auth.permissions import MfaBinding
from auth.statements import Fetch
from auth.tables import FactorKind


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a person is asked to approve, in words; of an operation also which one it is."""

    id: UUID
    account_id: UUID
    kind: MfaBinding
    digest: bytes | None
    action: str | None
    cloud_id: UUID | None
    words: str
    expires_at: datetime
    tries_left: int


class FactorMethod(Protocol):
    """One kind of second factor. What it reads and writes is in the transaction of `fetch`."""

    @property
    def kind(self) -> FactorKind:
        """Which one."""
        ...

    @property
    def amr(self) -> str:
        """How a token names it (RFC 8176)."""
        ...

    async def begin(self, fetch: Fetch, challenge: Challenge, now: datetime) -> str:
        """Set off what there is to set off, such as a call; say in words what the person does next."""
        ...

    async def verify(self, fetch: Fetch, challenge: Challenge, answer: str, now: datetime) -> bool:
        """Say whether the answer is right, and see to it that it never is again."""
        ...


Methods = Mapping[FactorKind, FactorMethod]
"""The kinds of second factors that there are."""


def methods_of(methods: Iterable[FactorMethod]) -> Methods:
    """Give methods by their kinds."""
    return {method.kind: method for method in methods}
