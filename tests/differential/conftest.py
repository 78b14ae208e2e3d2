import gc
from collections.abc import Iterator

import pytest

from tests.differential.torture import Cosmos


@pytest.fixture(scope="session")
def cosmos() -> Cosmos:
    """The torture schema."""
    return Cosmos()


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Lets coroutines that were dropped by this test warn while it lasts, not in a test of something else."""
    yield
    gc.collect()
