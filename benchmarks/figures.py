"""The arithmetic of the benchmarks: percentiles, medians, ratios."""

import math
from collections.abc import Iterable, Sequence
from statistics import median


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least that share of them do not exceed; not a number if there are none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def middle(values: Iterable[float]) -> float:
    """The median; not a number if there are none."""
    known = [value for value in values if not math.isnan(value)]
    return median(known) if known else math.nan


def ratio(value: float, base: float) -> float:
    """How many times `base` a value is; not a number if either is unknown."""
    return value / base if base else math.nan


def shown(value: float, *, digits: int = 3) -> str:
    """A figure for people: about so many significant digits, thousands apart, and a dash for what is unknown."""
    if math.isnan(value):
        return "-"
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"
