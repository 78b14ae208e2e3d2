"""What can be wrong with the codes, names and texts of what is made."""

import re
from typing import Final

from resolvers.commands.outcome import UserError, UserErrorCode

LONGEST_NAME: Final = 200
LONGEST_TEXT: Final = 1000
LONGEST_LABEL: Final = 100
LONGEST_ISSUER: Final = 500
LONGEST_SUBJECT: Final = 255
LONGEST_EMAIL: Final = 254
LONGEST_LOCAL_PART: Final = 64
CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
# Letters that look like others make another address: only ASCII is taken, and no quoted forms, which nobody uses.
EMAIL: Final = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])",
    re.ASCII | re.IGNORECASE,
)
ISSUER: Final = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?", re.ASCII)
PROGRAM: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?", re.ASCII)


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


def check_email(email: str, *field: str) -> list[UserError]:
    """Check the address of a person."""
    if not email.isascii():
        return _wrong("An address has ASCII characters only: letters of other scripts only look like them.", *field)
    if len(email) <= LONGEST_EMAIL and EMAIL.fullmatch(email) and email.index("@") <= LONGEST_LOCAL_PART:
        return []
    return _wrong(f"This is not an e-mail address of at most {LONGEST_EMAIL} characters.", *field)


def check_program(name: str, *field: str) -> list[UserError]:
    """Check the name of an API account, which is no address."""
    if PROGRAM.fullmatch(name):
        return []
    message = (
        "A name has 1 to 63 lower-case letters, digits, dots, hyphens and underscores, and a letter or a digit at"
        " either end."
    )
    return _wrong(message, *field)


def check_label(label: str, field: str) -> list[UserError]:
    """Check what a credential is called."""
    if 0 < len(label) <= LONGEST_LABEL and label.isprintable() and label == label.strip():
        return []
    return _wrong(f"A label has 1 to {LONGEST_LABEL} printable characters, and no space at either end.", field)


def check_identity(issuer: str, subject: str) -> list[UserError]:
    """Check what a foreign issuer calls somebody: both are compared letter by letter."""
    found = []
    if not (len(issuer) <= LONGEST_ISSUER and issuer.isascii() and ISSUER.fullmatch(issuer)):
        found += _wrong(
            f"An issuer is a URL, as its tokens have it in `iss`, in at most {LONGEST_ISSUER} ASCII characters.",
            "issuer",
        )
    if not (0 < len(subject) <= LONGEST_SUBJECT and subject.isascii() and subject.isprintable()):
        found += _wrong(f"A subject has 1 to {LONGEST_SUBJECT} printable ASCII characters.", "subject")
    return found
