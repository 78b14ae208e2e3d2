"""The two lines of defence, each to be switched off: the conditions that statements carry, and the row policies."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import true

from gateway.postgres import DatabaseUrls
from resolvers.reads import sources
from tests.databases import Databases

BOTH, FILTERS, POLICIES = "both lines", "the filters alone", "the row policies alone"
LINES = (BOTH, FILTERS, POLICIES)

SWITCH_OFF = """
DO $$
DECLARE protected regclass;
BEGIN
  FOR protected IN SELECT oid FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace LOOP
    EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', protected);
  END LOOP;
END $$
"""


@contextmanager
def only(line: str, databases: Databases, urls: DatabaseUrls) -> Iterator[None]:
    """Let only one line hold: in a database of the test's own, and for statements that are built meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        if line == POLICIES:
            patch.setattr(sources, "_among", lambda *_: true())
        elif line == FILTERS:
            databases.run(SWITCH_OFF, urls)
        yield
