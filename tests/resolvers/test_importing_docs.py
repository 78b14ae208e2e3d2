"""What the documentation says of imports is what imports do, and the examples can be imported."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.postgres import DatabaseUrls
from resolvers.importing import Format, import_inventory, sources_of
from resolvers.importing.catalogue import Catalogue
from resolvers.importing.columns import DETAILS, IDENTITY, Unset, columns, rules, types_of
from resolvers.importing.errors import MOST_LISTED
from resolvers.importing.reading import MOST_LINE_BYTES
from resolvers.tables import Middleware
from tests.resolvers.inventories import Inventories

PROJECT = Path(__file__).parents[2]
GUIDE = PROJECT / "docs" / "import.md"
NO_CATALOGUE = Catalogue(frozenset(), {}, {}, {})


def rendered_columns() -> str:
    """The table of columns, from the columns themselves."""
    known = columns(NO_CATALOGUE, datetime.now(UTC))
    of_type = rules(known)
    lines = ["| column | of | needed | says |", "|---|---|---|---|"]
    for name, column in known.items():
        types = types_of(name)
        names = [str(type_) for type_ in types if DETAILS[type_] is not Middleware]
        if len(types) > len(names):
            names.append("middleware")
        refused = [type_ for type_, rule in of_type.items() if name in rule and rule[name].unset is Unset.REFUSED]
        needed = "always" if name in IDENTITY else "to create" if refused else ""
        if refused and types and len(refused) < len(types):
            needed += f" an {', '.join(refused)}"
        lines.append(f"| `{name}` | {', '.join(names)} | {needed} | {column.description} |")
    return "\n".join(lines)


def test_the_guide_lists_the_columns() -> None:
    assert rendered_columns() in GUIDE.read_text()


def test_the_guide_states_the_limits() -> None:
    guide = GUIDE.read_text()
    assert f"first {MOST_LISTED} errors" in guide
    assert f"{MOST_LINE_BYTES:,} bytes" in guide


def test_the_examples_that_the_guide_and_their_page_name_are_there() -> None:
    for page in (GUIDE, PROJECT / "examples" / "README.md"):
        named = re.findall(r"examples/([\w.-]+)", page.read_text())
        assert named
        assert all((PROJECT / "examples" / name).is_file() for name in named)


async def test_the_examples_can_be_imported_and_say_the_same(database: DatabaseUrls, tmp_path: Path) -> None:
    async def load(name: str) -> tuple[int, int, int]:
        found = await import_inventory(database.owner, sources_of([str(PROJECT / "examples" / name)]))
        return found.created, found.updated, found.unchanged

    assert await load("emeraude.csv") == (40, 0, 0)
    assert await load("emeraude.ndjson") == (0, 0, 40)
    resources = await Inventories(database, tmp_path, "emeraude").resources()
    assert {row["cloud"] for row in resources.values()} == {"emeraude", "emeraude-recette"}
    assert len({row["type"] for row in resources.values()}) == 8


@pytest.mark.parametrize("format_", list(Format))
async def test_the_rows_that_the_guide_shows_can_be_imported(inventories: Inventories, format_: Format) -> None:
    shown = re.findall(rf"```{format_}\n(.+?)```", GUIDE.read_text(), re.DOTALL)
    assert shown
    for rows in shown:
        assert (await inventories.load(rows.replace("initech", inventories.organization), format_)).created > 0
