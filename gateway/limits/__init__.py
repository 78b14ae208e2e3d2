"""What one request may ask for at the most, found from its document alone, before anything is executed.

Everything here is linear in the document: what a fragment amounts to is found once, however often it is spread.

    document.py    tokens, aliases, directives, fragment spreads: syntax, before validation
    selection.py   levels of objects and how many objects: types and page sizes, after validation
    require.py     the refusal they share
"""

from gateway.limits.document import check_document, check_tokens
from gateway.limits.selection import PageSize, Selections

__all__ = ["PageSize", "Selections", "check_document", "check_tokens"]
