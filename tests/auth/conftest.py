import pytest

from tests.auth.mint import Mint


@pytest.fixture(scope="session")
def mint() -> Mint:
    return Mint()
