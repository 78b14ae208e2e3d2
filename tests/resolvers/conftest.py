import itertools
from pathlib import Path

import pytest

from gateway.postgres import DatabaseUrls
from tests.resolvers.inventories import Inventories

_numbers = itertools.count(1)


@pytest.fixture
def inventories(database: DatabaseUrls, tmp_path: Path) -> Inventories:
    """Imports into the module's database, for an organization that nobody else uses."""
    return Inventories(database, tmp_path, f"org-{next(_numbers)}")
