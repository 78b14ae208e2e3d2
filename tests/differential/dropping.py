"""What graphql-core drops, and Python warns of, is no matter of these tests."""

from typing import Final

import pytest

dropping: Final = [
    pytest.mark.usefixtures("nothing_left"),
    # What is beside a field that failed is dropped, begun or not; and Python may be anywhere when it says so.
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <coroutine object:pytest.PytestUnraisableExceptionWarning"
    ),
]
"""Marks for tests in which coroutines are dropped."""
