"""What a value of the input can be: every kind reads the text of a CSV cell and the value of a JSON member.

What is read is ready to be written as JSON: text, numbers, booleans, lists and objects of text.
"""

import json
import math
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final, Protocol

from resolvers.importing.errors import WrongValue

MOST_WHOLE_NUMBER: Final = 2**31 - 1
MOST_LISTED_VALUES: Final = 20

_SHOWN_CHARACTERS: Final = 60
_WHOLE_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_NOT_TEXT: Final = re.compile("[\x00\ud800-\udfff]")


class Kind(Protocol):
    """A kind of value."""

    def from_text(self, text: str) -> object:
        """Read the text of a CSV cell, which is not empty."""

    def from_json(self, value: object) -> object:
        """Read the value of a JSON member, which is not null."""


def shown(value: object) -> str:
    """Quote a value of the input for a message: short, on one line, and harmless on a terminal."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) > _SHOWN_CHARACTERS:
        text = text[: _SHOWN_CHARACTERS - 1] + "…"
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f'"{text}"' if isinstance(value, str) else text


def storable(text: str) -> str:
    """Pass on text that the database can hold."""
    if found := _NOT_TEXT.search(text):
        what = "a NUL character" if found.group() == "\x00" else "half of a surrogate pair"
        raise WrongValue(f"{shown(text)} contains {what}", "text without it")
    return text


def strict_json(text: str) -> object:
    """Read JSON as the RFC has it: no NaN, and no member twice."""
    try:
        return json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"{error.msg.removesuffix(' at')} at character {error.pos + 1:,}"
        raise WrongValue(f"is not JSON: {place}", "one JSON object") from None
    except RecursionError:
        raise WrongValue("is nested too deeply", "one JSON object") from None
    except ValueError as error:
        raise WrongValue(f"is not JSON: {str(error).partition(';')[0]}", "one JSON object") from None


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        repeated = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise WrongValue(f"has the member {shown(repeated)} twice", "every member once")
    return members


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number")


def suggestion(value: str, known: frozenset[str]) -> str:
    """Say which of the known values may have been meant, if any."""
    close = _close(value, known) if len(value) <= _SHOWN_CHARACTERS else ()
    return f" (did you mean {' or '.join(shown(match) for match in close)}?)" if close else ""


@lru_cache(maxsize=1000)  # the same mistake tends to be in every row
def _close(value: str, known: frozenset[str]) -> list[str]:
    choices = sorted(known)
    return get_close_matches(value, choices) or get_close_matches(value.upper(), choices)


class OfText(ABC):
    """A kind whose JSON form is the string that a cell would hold."""

    _expected: str

    @abstractmethod
    def from_text(self, text: str) -> object:
        """Read text."""

    def from_json(self, value: object) -> object:
        """Read a JSON string."""
        if not isinstance(value, str):
            raise WrongValue(f"{shown(value)} is not a string", self._expected)
        return self.from_text(value)


class Text(OfText):
    """Text of a length in characters, and of a form if there is a pattern; `expected` describes the form."""

    def __init__(self, most: int, pattern: str | None = None, expected: str | None = None) -> None:
        self._most = most
        self._pattern = re.compile(pattern) if pattern else None
        self._expected = expected or f"text of 1 to {most:,} characters"

    def from_text(self, text: str) -> str:
        """Read text."""
        if not 0 < len(text) <= self._most:
            raise WrongValue(f"has {len(text):,} characters" if text else "is empty", self._expected)
        if self._pattern and not self._pattern.fullmatch(text):
            raise WrongValue(f"{shown(text)} does not have that form", self._expected)
        return storable(text)


class Choice(OfText):
    """One of some known values."""

    def __init__(self, known: Collection[str], noun: str) -> None:
        self._known = frozenset(known)
        self._noun = noun
        few = len(known) <= MOST_LISTED_VALUES
        self._expected = f"one of {', '.join(sorted(known))}" if few else f"a known {noun}"

    def from_text(self, text: str) -> str:
        """Read one of the values."""
        if text not in self._known:
            raise WrongValue(f"{shown(text)} is no known {self._noun}{suggestion(text, self._known)}", self._expected)
        return text


class Named(Choice):
    """One of some known values, which stands for another."""

    def __init__(self, known: Mapping[str, str], noun: str) -> None:
        super().__init__(known, noun)
        self._named = known

    def from_text(self, text: str) -> str:
        """Read the value and give what it stands for."""
        return self._named[super().from_text(text)]


class WholeNumber:
    """A whole number in a range."""

    def __init__(self, least: int, most: int = MOST_WHOLE_NUMBER) -> None:
        self._least = least
        self._most = most
        self._expected = f"a whole number from {least:,} to {most:,}"

    def from_text(self, text: str) -> int:
        """Read decimal digits."""
        if not _WHOLE_NUMBER.fullmatch(text):
            raise WrongValue(f"{shown(text)} is not a whole number", self._expected)
        return self._in_range(int(text))

    def from_json(self, value: object) -> int:
        """Read a JSON number."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise WrongValue(f"{shown(value)} is not a whole number", self._expected)
        return self._in_range(value)

    def _in_range(self, number: int) -> int:
        if not self._least <= number <= self._most:
            raise WrongValue(f"{shown(number)} is out of range", self._expected)
        return number


class Number:
    """A number that is not negative."""

    _expected = "a number of 0 or more"

    def from_text(self, text: str) -> float:
        """Read a decimal number, with an exponent if need be."""
        if not _NUMBER.fullmatch(text):
            raise WrongValue(f"{shown(text)} is not a number", self._expected)
        return self._in_range(float(text))

    def from_json(self, value: object) -> float:
        """Read a JSON number."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise WrongValue(f"{shown(value)} is not a number", self._expected)
        return self._in_range(value)

    def _in_range(self, number: float) -> float:
        try:
            number = float(number)
        except OverflowError:
            number = math.inf
        if not 0 <= number < math.inf:
            raise WrongValue(f"{shown(number)} is out of range", self._expected)
        return number


class Flag:
    """True or false."""

    _expected = "true or false"

    def from_text(self, text: str) -> bool:
        """Read `true` or `false`, as spreadsheets write them too."""
        match text.lower():
            case "true":
                return True
            case "false":
                return False
        raise WrongValue(f"{shown(text)} is neither true nor false", self._expected)

    def from_json(self, value: object) -> bool:
        """Read a JSON boolean."""
        if not isinstance(value, bool):
            raise WrongValue(f"{shown(value)} is neither true nor false", self._expected)
        return value


class Moment(OfText):
    """A date and time with its zone, in RFC 3339; given as ISO text in UTC, to the microsecond."""

    _expected = "a date and time with its zone, such as 2026-01-31T12:00:00Z"

    def __init__(self, latest: datetime | None = None) -> None:
        self._latest = latest

    def from_text(self, text: str) -> str:
        """Read RFC 3339 text."""
        found = _MOMENT.fullmatch(text)
        if not found:
            raise WrongValue(f"{shown(text)} is not a date and time", self._expected)
        if not found.group(2):
            raise WrongValue(f"{shown(text)} says no time zone", self._expected)
        try:
            moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise WrongValue(f"{shown(text)} is on no calendar or clock", self._expected) from None
        if self._latest and moment > self._latest:
            raise WrongValue(f"{shown(text)} is in the future", "a moment that has been")
        return moment.isoformat()


class Listed:
    """Several values of one kind, each once: `a;b` in a cell, a list or that string in JSON."""

    def __init__(self, kind: Kind, most: int = 100) -> None:
        self._kind = kind
        self._most = most

    def from_text(self, text: str) -> list[object]:
        """Read values separated by semicolons."""
        return self._each(list(text.split(";")))

    def from_json(self, value: object) -> list[object]:
        """Read a JSON list, or a string as in a cell."""
        if isinstance(value, str):
            return self.from_text(value) if value else []
        if not isinstance(value, list):
            raise WrongValue(f"{shown(value)} is not a list", 'a list of strings, such as ["a", "b"]')
        return self._each(value)

    def _each(self, values: list[object]) -> list[object]:
        if len(values) > self._most:
            raise WrongValue(f"has {len(values):,} values", f"{self._most:,} at the most")
        read = [self._kind.from_json(value) for value in values]
        if len(set(map(str, read))) < len(read):
            raise WrongValue(f"{shown(';'.join(map(str, read)))} says something twice", "each value once")
        return read


class Address(OfText):
    """An IPv4 or IPv6 address."""

    _expected = "IP addresses, such as 10.0.0.7"

    def from_text(self, text: str) -> str:
        """Read an address, and write it as is usual."""
        try:
            address = ip_address(text)
        except ValueError:
            raise WrongValue(f"{shown(text)} is not an IP address", self._expected) from None
        if "%" in text:
            raise WrongValue(f"{shown(text)} names a network interface", self._expected)
        return str(address)


class NetworkPrefix(OfText):
    """A network in CIDR notation."""

    _expected = "a network, such as 10.0.1.0/24"

    def from_text(self, text: str) -> str:
        """Read a network, and write it as is usual."""
        try:
            network = ip_network(text)
        except ValueError as error:
            host_bits = "has host bits set" in str(error)
            problem = "is an address inside a network" if host_bits else "is not a network"
            raise WrongValue(f"{shown(text)} {problem}", self._expected) from None
        if "%" in text or "/" not in text:
            raise WrongValue(f"{shown(text)} is not a network", self._expected)
        return str(network)


def latest_moment(now: datetime) -> datetime:
    """Tell what counts as the future: a day from now, for clocks differ and so do readings of local time."""
    return now + timedelta(days=1)
