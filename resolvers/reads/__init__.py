"""Reading: SQLAlchemy Core selects that are scoped to the caller, and the plain rows they give.

rows.py        one named tuple per kind of row
sources.py     where each kind of row comes from, what it is ordered by, and what of it a caller may see
predicates.py  filters, as a small algebra that becomes SQL
pages.py       keyset pages of any list, for many parents in one statement
counts.py      counts and facets of the same lists
"""
