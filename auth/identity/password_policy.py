"""What a password may be: 15 to 256 characters of any kind that are not easily guessed.

There are no rules of composition: what is asked for is length, and that enough remains beside words which others would
try first, runs and repetitions. Texts are compared in Unicode's form NFKC, so that a password that is typed on another
keyboard is the same one.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final

LEAST: Final = 15
MOST: Final = 256
"""Characters of a password, in form NFKC."""
LEAST_LEFT: Final = 8
"""Characters that must remain beside what is easily guessed."""
LEAST_WORD: Final = 4
"""Shorter words are in every other text by chance."""
LEAST_RUN: Final = 3
"""Neighbours on a keyboard, in the alphabet or among digits count as one from so many on."""

PRODUCT_WORDS: Final = ("itcare", "cegedim", "cegedimcloud")
COMMON_WORDS: Final = (
    "password", "passwort", "passw", "motdepasse", "contrasena", "welcome", "willkommen", "bienvenue", "bonjour",
    "admin", "administrator", "administrateur", "root", "user", "login", "letmein", "changeme", "change", "secret",
    "geheim", "default", "iloveyou", "jetaime", "dragon", "monkey", "football", "princess", "sunshine", "shadow",
    "master", "superman", "batman", "trustno", "azerty", "qwerty", "qwertz", "summer", "winter", "spring", "autumn",
    "january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december",
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "test", "guest", "temp", "cloud",
)  # fmt: skip
"""What passwords are most often made of."""
ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "qwertzuiop",
    "yxcvbnm",
)
_DIRECTION: Final = {pair: 1 for row in ROWS for pair in pairwise(row)} | {
    pair: -1 for row in ROWS for pair in pairwise(row[::-1])
}
_REPEATED: Final = re.compile(r"(.+?)\1+", re.DOTALL)
_PLAIN: Final = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "$": "s", "@": "a", "!": "i"}
)
"""What is written in the place of letters."""


class Weakness(StrEnum):
    """Why a password is refused."""

    TOO_SHORT = "TOO_SHORT"
    TOO_LONG = "TOO_LONG"
    UNTYPABLE = "UNTYPABLE"
    """It holds a control character."""
    KNOWN_WORDS = "KNOWN_WORDS"
    """It is little more than words that are known of the person, their organization or the product."""
    COMMON = "COMMON"
    """It is little more than common words, runs and repetitions."""
    BREACHED = "BREACHED"
    """It is in the file of passwords that others have lost."""


def normalized(password: str) -> str:
    """Give the form of a password that is hashed and compared."""
    return unicodedata.normalize("NFKC", password)


def is_too_long(password: str) -> bool:
    """Tell a password that is not even looked at: what is made of one takes the longer the longer it is."""
    return len(password) > MOST or len(normalized(password)) > MOST


def weakness_of(password: str, words: Iterable[str] = ()) -> Weakness | None:
    """Say why a password is refused; None if it is good. `words` are known of the person: `words_of`."""
    if is_too_long(password):
        return Weakness.TOO_LONG
    text = normalized(password)
    if len(text) < LEAST:
        return Weakness.TOO_SHORT
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
        return Weakness.UNTYPABLE
    if _left_of(text, COMMON_WORDS) < LEAST_LEFT:
        return Weakness.COMMON
    if _left_of(text, (*COMMON_WORDS, *PRODUCT_WORDS, *words)) < LEAST_LEFT:
        return Weakness.KNOWN_WORDS
    return None


def words_of(email: str, names: Iterable[str] = ()) -> tuple[str, ...]:
    """Give the words that are known of a person: of their address, and of names such as their organization's."""
    return tuple(word for text in (email, *names) for word in re.split(r"[\W_]+", text) if len(word) >= LEAST_WORD)


def _left_of(text: str, words: Iterable[str]) -> int:
    """Count what is not of any of the words, nor of a run, nor said before."""
    folded = text.casefold()
    plain = folded.translate(_PLAIN)
    known = [False] * len(folded)
    for word in {normalized(word).casefold() for word in words}:
        for where, said in ((folded, word), (plain, word.translate(_PLAIN))):
            if len(where) == len(folded):
                _mark(where, said, known)
    left = "".join(letter for letter, is_known in zip(folded, known, strict=True) if not is_known)
    return _news(left)


def _mark(text: str, word: str, known: list[bool]) -> None:
    at = text.find(word) if word else -1
    while at >= 0:
        known[at : at + len(word)] = [True] * len(word)
        at = text.find(word, at + 1)


def _news(text: str) -> int:
    """Count characters; what repeats itself counts once, and a run as one."""
    once = _REPEATED.sub(r"\1", text)
    covered, length, direction = 0, 1, 0
    for pair in pairwise(once):
        before, direction = direction, _DIRECTION.get(pair, 0)
        if not direction:
            length = 1
            continue
        length = length + 1 if direction == before else 2
        if length >= LEAST_RUN:
            covered += 2 if length == LEAST_RUN else 1
    # The whole may be something shorter again and again that has repetitions in itself.
    period = next(size for size in range(len(text) + 1) if size == len(text) or (size and text.startswith(text[size:])))
    return min(period, len(once) - covered)


class BreachFile:
    """Passwords that others have lost, as Have I Been Pwned's download has them: `SHA-1:COUNT` a line, sorted.

    Some 40 GB, of which nothing is kept in memory: a line is found by halving the file.

    Raises:
        ValueError: the file cannot be read, or its first line is none of these.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                first = file.readline(200)
        except OSError as error:
            raise ValueError(f"The file of breached passwords {path} cannot be read: {error.strerror}.") from error
        if not re.fullmatch(rb"[0-9A-F]{40}(:[0-9]+)?\r?\n?", first):
            raise ValueError(f"The file of breached passwords {path} does not begin with a SHA-1 digest.")

    def holds(self, password: str) -> bool:
        """Say whether the file has a password; reads some forty lines."""
        digest = hashlib.sha1(normalized(password).encode(), usedforsecurity=False).hexdigest().upper().encode()
        with self._path.open("rb") as file:
            return _finds(file, digest)


def _finds(file: BinaryIO, digest: bytes) -> bool:
    # What is looked for begins at `low` or later, and before `high`.
    low, high = 0, file.seek(0, os.SEEK_END)
    while low < high:
        middle = (low + high) // 2
        if middle > low:
            # To the first line that begins here or later.
            file.seek(middle - 1)
            file.readline()
        else:
            file.seek(low)
        start = file.tell()
        line = file.readline()
        found = line[: len(digest)]
        if found == digest:
            return True
        if start >= high or not line or found > digest:
            high = middle
        else:
            low = file.tell()
    return False
