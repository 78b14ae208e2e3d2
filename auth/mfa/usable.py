"""Which factors serve: those that are confirmed, and, if set up with a recovery code, only after their time."""

from sqlalchemy import ColumnElement, and_, bindparam, or_

from auth.tables import TIMESTAMP, Factor, table

FACTOR = table(Factor)


def usable() -> ColumnElement[bool]:
    """Hold factors to those that serve at the parameter `at`."""
    return and_(
        FACTOR.c.confirmed_at.is_not(None),
        or_(FACTOR.c.usable_from.is_(None), FACTOR.c.usable_from <= bindparam("at", type_=TIMESTAMP)),
    )
