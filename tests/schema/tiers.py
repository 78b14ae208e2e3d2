"""How many examples hypothesis tries: some hundreds normally, thousands in the long tier."""

import pytest
from hypothesis import HealthCheck, settings

in_every_world = pytest.mark.parametrize(
    "graph", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))], indirect=True
)
"""What is tried on the first world in the normal tier is tried on ten more in the long one."""


def examples(number: int) -> settings:
    """Say how many examples to try, per world; an example may take as long as a database takes."""
    return settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow])
