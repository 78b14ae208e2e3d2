import math

import pytest

from benchmarks.figures import middle, percentile, ratio, shown


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.95), percentile(values, 1)) == (50.0, 95.0, 100.0)
    assert percentile([7.0], 0.95) == 7.0
    assert math.isnan(percentile([], 0.5))


def test_the_middle_passes_over_what_is_unknown() -> None:
    assert middle([1.0, math.nan, 3.0, 100.0]) == 3.0
    assert math.isnan(middle([math.nan]))


def test_a_ratio_to_nothing_is_unknown() -> None:
    assert ratio(3.0, 2.0) == 1.5
    assert math.isnan(ratio(3.0, 0.0))


@pytest.mark.parametrize(
    ("value", "text"), [(0.08213, "0.0821"), (1.5, "1.50"), (99.96, "100.0"), (12345.6, "12,346"), (math.nan, "-")]
)
def test_figures_are_shown_with_about_three_digits(value: float, text: str) -> None:
    assert shown(value) == text
