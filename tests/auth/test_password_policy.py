"""Which passwords are refused, and why."""

import hashlib
import unicodedata
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auth.identity.password_policy import (
    COMMON_WORDS,
    LEAST,
    MOST,
    PRODUCT_WORDS,
    ROWS,
    BreachFile,
    Weakness,
    is_too_long,
    normalized,
    weakness_of,
    words_of,
)

WORDS = words_of("ann.miller@acme-labs.example", ["acme", "Acme Laboratories"])
TYPABLE = st.characters(exclude_categories=["Cc", "Cs"])
WAYS = st.sampled_from([str.lower, str.upper, str.title, str.swapcase])


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "a rather long phrase of ours",
        "Tr0ub4dor & three more",
        "мой дядя самых честных правил",
        "隣の客はよく柿食う客だ、といわれる",
        "\U0001f469\u200d\U0001f52c walks into a bar",
        "9f8Kq2Lw7Zx4Vb1",
        "seven otters juggle lanterns",
        "x7!Q" * 3 + "another tail",
        "my cegedim account needs words",
    ],
)
def test_long_and_unforeseen_is_good(password: str) -> None:
    assert weakness_of(password, WORDS) is None


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", Weakness.TOO_SHORT),
        ("9f8Kq2Lw7Zx4Vb", Weakness.TOO_SHORT),
        ("x" * 257, Weakness.TOO_LONG),
        ("\ufdfa" * 15, Weakness.TOO_LONG),
        ("\u0065\u0301" * 14, Weakness.TOO_SHORT),  # 28 code points, 14 letters
        ("9f8Kq2Lw7Zx4Vb\n", Weakness.UNTYPABLE),
        ("9f8Kq2Lw7Zx4Vb\ud800", Weakness.UNTYPABLE),
        ("aaaaaaaaaaaaaaaa", Weakness.COMMON),
        ("abcabcabcabcabcabc", Weakness.COMMON),
        ("abcdefghijklmnopqrstuvwxyz", Weakness.COMMON),
        ("09876543210987654321", Weakness.COMMON),
        ("qwertyuiopasdfghjkl", Weakness.COMMON),
        ("azertyuiopqsdfghjklm", Weakness.COMMON),
        ("Passw0rd!Passw0rd!", Weakness.COMMON),
        ("P@$$w0rd12345678", Weakness.COMMON),
        ("WelcomeSummer2026!", Weakness.COMMON),
        ("ITCare-Cegedim-2026", Weakness.KNOWN_WORDS),
        ("ann.miller@acme-labs.example", Weakness.KNOWN_WORDS),
        ("Laboratories Miller 1", Weakness.KNOWN_WORDS),
        ("l4b0ratories-M1ller", Weakness.KNOWN_WORDS),
    ],
)
def test_what_others_would_try_first_is_refused(password: str, why: Weakness) -> None:
    assert weakness_of(password, WORDS) is why


@given(st.text(max_size=600))
@example("\ufdfa" * 14)
@example("\u00bd" * 100)
def test_what_is_taken_is_of_its_length_and_can_be_typed(password: str) -> None:
    weakness = weakness_of(password, WORDS)
    length = len(normalized(password))
    assert (weakness is Weakness.TOO_LONG) == is_too_long(password)
    if weakness is None:
        assert LEAST <= length <= MOST
        assert not {unicodedata.category(letter) for letter in normalized(password)} & {"Cc", "Cs"}
    if len(password) > MOST:
        assert weakness is Weakness.TOO_LONG


@given(st.text(TYPABLE, max_size=300))
def test_two_spellings_of_one_password_are_judged_alike(password: str) -> None:
    composed, apart = unicodedata.normalize("NFC", password), unicodedata.normalize("NFD", password)
    assert normalized(composed) == normalized(apart)
    if max(len(composed), len(apart)) <= MOST:
        assert weakness_of(composed, WORDS) == weakness_of(apart, WORDS)


@given(st.lists(st.sampled_from([*COMMON_WORDS, *PRODUCT_WORDS, *WORDS]), min_size=3, max_size=12), WAYS, st.data())
def test_words_that_others_know_are_no_password_in_whatever_order(
    words: list[str], way: Callable[[str], str], data: st.DataObject
) -> None:
    between = data.draw(st.sampled_from(["", "-", ".", " ", "1"]))
    assert weakness_of(way(between.join(words))[:MOST], WORDS) is not None


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=7), st.integers(LEAST, MOST))
@example("00010", 15)
def test_repeating_a_few_letters_makes_no_password(letters: str, length: int) -> None:
    assert weakness_of("".join(islice(cycle(letters), length)), WORDS) is not None


@given(st.sampled_from(ROWS), st.booleans(), st.integers(LEAST, 60))
def test_running_along_the_keyboard_makes_no_password(row: str, backwards: bool, length: int) -> None:
    assert weakness_of("".join(islice(cycle(row[::-1] if backwards else row), length)), WORDS) is not None


@given(st.text(TYPABLE, min_size=LEAST, max_size=60), st.lists(st.text(TYPABLE, min_size=4, max_size=20), max_size=5))
def test_knowing_more_of_a_person_never_makes_a_password_better(password: str, more: list[str]) -> None:
    if weakness_of(password) is not None:
        assert weakness_of(password, more) is not None


# -- the file of breached passwords


def breached(folder: Path, passwords: list[str], *, counted: bool = True, end: str = "\r\n") -> Path:
    digests = sorted(hashlib.sha1(each.encode(), usedforsecurity=False).hexdigest().upper() for each in passwords)
    path = folder / "breached.txt"
    text = "".join(f"{digest}{f':{number * 7 + 1}' if counted else ''}{end}" for number, digest in enumerate(digests))
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("count", [1, 2, 3, 10, 257])
def test_every_password_of_the_file_is_found_and_no_other(count: int, end: str, counted: bool, tmp_path: Path) -> None:
    lost = [f"lost {number}" for number in range(count)]
    file = BreachFile(breached(tmp_path, lost, counted=counted, end=end))
    assert all(file.holds(password) for password in lost)
    assert not any(file.holds(f"kept {number}") for number in range(300))


def test_a_file_without_an_end_of_its_last_line_is_read_whole(tmp_path: Path) -> None:
    path = breached(tmp_path, ["one", "two", "three"])
    path.write_bytes(path.read_bytes().rstrip())
    assert all(BreachFile(path).holds(password) for password in ("one", "two", "three"))


def test_another_spelling_of_a_breached_password_is_found(tmp_path: Path) -> None:
    assert BreachFile(breached(tmp_path, ["caf\u00e9"])).holds("cafe\u0301")


@pytest.mark.parametrize("content", [b"", b"password\n", b"0123\n", b"0" * 40 + b";1\n", "é".encode()])
def test_a_file_of_something_else_is_refused_at_the_start(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "breached.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="does not begin with a SHA-1 digest"):
        BreachFile(path)
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        BreachFile(tmp_path / "missing.txt")
