import gc
from collections.abc import Iterator

import pytest

from gateway.execution.breadth_first import Turns, completion, objects
from tests.differential.torture import Cosmos


@pytest.fixture(scope="module")
def small_parts() -> Iterator[None]:
    """Lets columns be long from four values on, so that what is done in parts is done so here."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (objects, completion):
            patch.setattr(module, "VALUES_AT_A_TIME", 3)
        patch.setattr(Turns, "ROUNDS", 1)
        yield


@pytest.fixture(scope="session")
def cosmos() -> Cosmos:
    """The torture schema."""
    return Cosmos()


@pytest.fixture(scope="module")
def set_aside() -> None:
    """Sets aside what is there before a module, so that looking for garbage after each of its tests is quick."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def nothing_left(set_aside: None) -> Iterator[None]:
    """Lets coroutines that were dropped by this test warn while it lasts, not in a test of something else."""
    yield
    gc.collect()
