"""What the harness makes of its findings."""

import xml.etree.ElementTree as ET

import pytest

from benchmarks.budgets import by_query, of_large_pages
from benchmarks.queries import Query
from benchmarks.report.document import COMPARISON, GROWTH, comparison_section, growth_section, replace_section
from benchmarks.report.plot import plot
from benchmarks.report.tables import tables_of
from tests.benchmarks.made import SERVERS, comparison


def test_one_disturbed_round_changes_no_figure() -> None:
    assert comparison().cpu_ms("gateway", Query.POINT) == 2.0


def test_what_the_gateway_costs_is_told_against_others_one_at_a_time_and_sixteen_at_once() -> None:
    figures = [str(line.figures[Query.POINT]) for line in by_query(comparison())]
    assert figures == ["0.500x", "1.50x", "5.00x", "15.0x", "0.250x", "0.750x", "0.200x", "0.200x", "20.0x", "3"]


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        (Query.POINT, [True, False, True, False, None, None, None, None, None, True]),
        (Query.DEEP, [True, False, True, False, None, None, None, None, None, False]),
        (Query.TAG, [True, False, False, False, None, None, None, None, None, True]),
        (Query.PAGE, [False, False, True, False, None, None, None, None, None, True]),
    ],
    ids=str,
)
def test_budgets_are_kept_or_missed(query: Query, kept: list[bool | None]) -> None:
    assert [line.figures[query].is_kept for line in by_query(comparison())] == kept


def test_budgets_of_large_pages_are_kept_or_missed() -> None:
    assert [f"{figure} {figure.is_kept}" for _, figure in of_large_pages(comparison())] == [
        "101 MB False",
        "2.40 s True",
        "9.50x True",
    ]


def test_every_server_is_in_every_table_of_a_query() -> None:
    tables = {table.title.partition(":")[0]: table for table in tables_of(comparison())}
    for query in Query:
        table = tables[str(query)]
        assert [row[0] for row in table.rows] == list(SERVERS)
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_a_query_that_was_left_out_leaves_no_budget_that_looks_kept() -> None:
    found = comparison()
    found.measurements = [one for one in found.measurements if one.server != "postgraphile"]
    assert by_query(found)[0].figures[Query.POINT].is_kept is None


def test_a_run_replaces_its_own_section_only() -> None:
    tables = list(tables_of(comparison()))
    first = replace_section("", GROWTH, growth_section(["A machine."], tables[:1]))
    both = replace_section(first, COMPARISON, comparison_section(["A machine."], 5000, tables, "results.svg"))
    assert both.index("## Comparison") < both.index("## Growth")
    assert replace_section(both, COMPARISON, comparison_section(["Another."], 1, tables, "results.svg")).endswith(
        first[first.index("## Growth") :]
    )


def test_the_tables_of_the_document_are_well_formed() -> None:
    text = comparison_section(["A machine."], 5000, tables_of(comparison()), "results.svg")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) > 30
    assert max(len(line) for line in text.splitlines() if line.startswith("- ")) < 150
    assert text.count("\n- ") == 4
    assert all(line.endswith(" |") for line in lines)


def test_the_plot_is_well_formed_and_has_a_bar_for_every_server_and_query() -> None:
    drawing = ET.fromstring(plot(comparison()))  # noqa: S314
    bars = [bar for bar in drawing.iter("{http://www.w3.org/2000/svg}rect") if bar.get("rx")]
    assert len(bars) == len(SERVERS) * len(Query)
    assert all(float(bar.get("width", 0)) > 0 for bar in bars)
