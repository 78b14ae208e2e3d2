"""Choosing a password: what is asked of it in words, and how a new one takes the place of the one before."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from auth.identity.password_policy import LEAST, MOST, Weakness, is_too_long, words_of
from auth.identity.passwords import Passwords, set_hash
from auth.identity.sessions import end_sessions
from auth.identity.tables import SessionEnd
from auth.statements import Fetch
from gateway.pages.forms import MOST_BYTES, Form

NEW, AGAIN = "new-password", "again"
TOO_LONG: Final = f"Passwords have at most {MOST} characters."
DIFFERENT: Final = "This is not the same as the password above."
HINT: Final = (
    f"At least {LEAST} characters, of any kind: some words that do not belong together are good. Spaces count, too."
)
WORDS: Final[Mapping[Weakness, str]] = {
    Weakness.TOO_SHORT: f"Passwords have at least {LEAST} characters.",
    Weakness.TOO_LONG: TOO_LONG,
    Weakness.UNTYPABLE: "Passwords have no control characters.",
    Weakness.KNOWN_WORDS: "This is little more than words that others know of you, your organization or ITCare.",
    Weakness.COMMON: "This is little more than common words, runs or repetitions, which others try first.",
    Weakness.BREACHED: "Others had this password, and lost it: it is in the lists that are tried first.",
}

Problems = Sequence[tuple[str, str]]


def known_of(email: str, seen: Sequence[Any]) -> tuple[str, ...]:
    """Give the words that are known of a person: of their address and the organizations that `set_scope` gave."""
    names = {row[name] for row in seen for name in ("organization_code", "organization_name") if row[name]}
    return words_of(email, sorted(names))


def typed(form: Form) -> tuple[str, Problems]:
    """Give the password that was chosen, and what is wrong with it at a glance."""
    chosen, again = form.text(NEW, MOST_BYTES), form.text(AGAIN, MOST_BYTES)
    if is_too_long(chosen):
        return "", ((NEW, TOO_LONG),)
    if not chosen:
        return "", ((NEW, "Enter a new password."),)
    return chosen, ((AGAIN, DIFFERENT),) if again != chosen else ()


async def looked_at(passwords: Passwords, chosen: str, words: Sequence[str]) -> Problems:
    """Say what is wrong with a password for a person of whom these words are known."""
    weakness = await passwords.weakness(chosen, words)
    return ((NEW, WORDS[weakness]),) if weakness else ()


async def take(fetch: Fetch, account_id: UUID, new_hash: str, now: datetime, *, but: UUID | None = None) -> None:
    """Put a password in the place of the one before, and end all sessions but one."""
    await set_hash(fetch, account_id, new_hash, now)
    await end_sessions(fetch, account_id, SessionEnd.PASSWORD_CHANGED, now, but=but)
