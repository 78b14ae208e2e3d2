"""How a limit is held, and how a refusal says it."""

from auth.errors import LimitExceeded

# The largest integer that every JSON reader keeps exactly; fragments that spread fragments count far beyond it.
LARGEST_SHOWN = 2**53 - 1


def require_at_most(maximum: int, value: int, limit: str, sentence: str) -> None:
    """Refuse a `value` over `maximum`.

    `limit` is the name that clients see, and `sentence` says what has the value, as in "The document has {:,} tokens".

    Raises:
        LimitExceeded: with the limit's name, value and maximum.
    """
    if value > maximum:
        value = min(value, LARGEST_SHOWN)
        message = f"{sentence.format(value)}; at most {maximum:,} are allowed."
        raise LimitExceeded(message, limit=limit, value=value, maximum=maximum)
