"""Draws values from a seed: the same ones, in the same order, every time."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from random import Random
from typing import TypeVar
from uuid import UUID

from tests.schema.vocabulary import TEXTS, TIMES

T = TypeVar("T")


class Draw:
    """Draws identifiers, texts and times; every text starts with `prefix`."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - it is to be repeated, not to be secret
        self.prefix = ""

    def id(self) -> UUID:
        """Draw an identifier."""
        return UUID(int=self.random.getrandbits(128), version=4)

    def one_of(self, *things: T) -> T:
        """Draw one of some things."""
        return self.random.choice(things)

    def some(self, things: Iterable[T], most: int) -> list[T]:
        """Draw up to so many of some things, in any order."""
        listed = list(things)
        return self.random.sample(listed, self.random.randint(0, min(most, len(listed))))

    def chance(self) -> bool:
        """Toss a coin."""
        return self.random.random() < 0.5

    def text(self, *texts: str) -> str:
        """Draw one of some texts, or of all."""
        return self.prefix + self.random.choice(texts or TEXTS)

    def maybe(self, *texts: str) -> str | None:
        """Draw a text, or none."""
        return self.text(*texts) if self.chance() else None

    def texts(self, most: int) -> list[str]:
        """Draw up to so many texts that differ."""
        return [self.prefix + text for text in self.some(TEXTS, most)]

    def distinct_texts(self) -> Iterator[str]:
        """Give every text once, in any order, and after them texts made of three."""
        yield from (self.prefix + text for text in self.random.sample(TEXTS, len(TEXTS)))
        while True:
            yield self.prefix + "".join(self.random.choices(TEXTS, k=3))

    def time(self, not_before: datetime = TIMES[0]) -> datetime:
        """Draw one of the times from one on."""
        return self.random.choice([time for time in TIMES if time >= not_before])
