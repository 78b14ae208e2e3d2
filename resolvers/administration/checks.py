"""What can be wrong with the codes, names and texts of what is made."""

import re
from typing import Final

from resolvers.commands.outcome import UserError, UserErrorCode

LONGEST_NAME: Final = 200
LONGEST_TEXT: Final = 1000
CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)


def _wrong(message: str, *field: str) -> list[UserError]:
    return [UserError(message, UserErrorCode.INVALID_VALUE, field)]


def check_code(code: str, field: str) -> list[UserError]:
    """Check the code of an organization or a Cloud, which stands in paths and names."""
    if CODE.fullmatch(code):
        return []
    return _wrong("A code has 1 to 63 lower-case letters, digits and hyphens, and does not start with a hyphen.", field)


def check_name(name: str, field: str) -> list[UserError]:
    """Check a name: it is shown in one line, and a slash separates names in paths."""
    if 0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip() and "/" not in name:
        return []
    message = f"A name has 1 to {LONGEST_NAME} printable characters, no slash, and no space at either end."
    return _wrong(message, field)


def check_text(text: str | None, field: str) -> list[UserError]:
    """Check a text that may be absent and may have lines."""
    if text is None:
        return []
    lines = "".join(text.splitlines()).replace("\t", "")
    if len(text) <= LONGEST_TEXT and text.strip() and lines.isprintable():
        return []
    return _wrong(f"A text has 1 to {LONGEST_TEXT} printable characters.", field)
