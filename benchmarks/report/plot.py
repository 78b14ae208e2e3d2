"""The plot: what a request costs every server, one panel per query, on a logarithmic axis."""

import math
from collections.abc import Iterator
from html import escape
from typing import Final

from benchmarks.comparison import Comparison
from benchmarks.figures import shown
from benchmarks.queries import Query

WIDTH: Final = 860
_LEFT, _RIGHT, _TOP = 130, 70, 54
_LINE, _GAP = 22, 44
_COLOURS: Final = ("#0b6e4f", "#9aa5b1", "#336791", "#b5651d", "#222222", "#6b7280")


def plot(found: Comparison) -> str:
    """Draw it, as SVG."""
    costs = [found.cpu_ms(server, query) for query in found.queries for server in found.servers]
    known = [cost for cost in costs if cost > 0]
    low, high = (math.floor(math.log10(min(known))), math.ceil(math.log10(max(known)))) if known else (-1, 1)
    panel = len(found.servers) * _LINE + _GAP
    height = _TOP + panel * len(found.queries) + 10
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(16, 26, "Server CPU per request, in ms; logarithmic, shorter is better", size=16, weight="bold"),
    ]
    for n, query in enumerate(found.queries):
        parts += _panel(found, query, _TOP + n * panel, low, max(high, low + 1))
    return "\n".join([*parts, "</svg>", ""])


def _panel(found: Comparison, query: Query, top: int, low: int, high: int) -> Iterator[str]:
    def x(cost: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (math.log10(cost) - low) / (high - low)

    bottom = top + 18 + len(found.servers) * _LINE
    yield _text(16, top + 8, found.scale.title(query), weight="bold")
    for power in range(low, high + 1):
        at = x(10**power)
        yield f'<line x1="{at:.1f}" y1="{top + 16}" x2="{at:.1f}" y2="{bottom}" stroke="#e1e5ea"/>'
        yield _text(at, bottom + 13, f"{10**power:,.10g}", size=11, anchor="middle", fill="#52606d")
    for n, server in enumerate(found.servers):
        middle = top + 18 + n * _LINE + _LINE / 2
        cost = found.cpu_ms(server, query)
        yield _text(_LEFT - 10, middle + 4, server, anchor="end")
        if not cost > 0:
            continue
        width = x(cost) - _LEFT
        colour = _COLOURS[n % len(_COLOURS)]
        yield f'<rect x="{_LEFT}" y="{middle - 7:.1f}" width="{width:.1f}" height="14" rx="2" fill="{colour}"/>'
        yield _text(_LEFT + width + 6, middle + 4, shown(cost))


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int = 13,
    weight: str = "normal",
    anchor: str = "start",
    fill: str = "#1f2933",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"'
        f' fill="{fill}">{escape(text)}</text>'
    )
