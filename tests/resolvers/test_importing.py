"""An inventory is imported whole, and the same one again changes nothing."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from auth.tables import table
from resolvers.importing import Format, ImportInterrupted, ImportRefused, Stage, import_inventory, sources_of
from resolvers.importing.columns import DETAILS
from resolvers.tables import Resource, ResourceType
from tests.resolvers.inventories import OF_TYPE, Inventories, as_csv, as_ndjson

FORMATS = pytest.mark.parametrize("format_", list(Format))


@FORMATS
async def test_every_type_of_resource_can_be_imported(inventories: Inventories, format_: Format) -> None:
    rows = [inventories.row(type_.lower(), type_) for type_ in ResourceType]
    found = await inventories.load(rows, format_)
    assert (found.created, found.updated, found.unchanged) == (len(ResourceType), 0, 0)
    resources = await inventories.resources()
    assert {row["type"] for row in resources.values()} == set(ResourceType)
    for row in resources.values():
        assert {name: row["detail"][name] for name in OF_TYPE[row["type"]]} == OF_TYPE[row["type"]]
        assert row["revision"] == 1
        assert row["created_at"] == row["updated_at"] > datetime(2026, 1, 1, tzinfo=UTC)


@FORMATS
async def test_the_same_input_again_changes_nothing_and_says_so(inventories: Inventories, format_: Format) -> None:
    rows = [inventories.row("web-01", tags={"team": "care"}), inventories.row("lb-01", "LOAD_BALANCER")]
    await inventories.load(rows, format_)
    before = await inventories.resources()
    again = await inventories.load(rows, format_)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    assert set(again.also_created.values()) == {0}
    assert await inventories.resources() == before


async def test_only_what_changes_gets_a_new_revision(inventories: Inventories) -> None:
    await inventories.load([inventories.row("web-01"), inventories.row("web-02"), inventories.row("web-03")])
    before = await inventories.resources()
    found = await inventories.load(
        [inventories.row("web-01", status="INACTIVE"), inventories.row("web-02", cpu=8), inventories.row("web-03")]
    )
    assert (found.created, found.updated, found.unchanged) == (0, 2, 1)
    after = await inventories.resources()
    assert [after[f"cmdb-web-0{n}"]["revision"] for n in (1, 2, 3)] == [2, 2, 1]
    assert after["cmdb-web-01"]["status"] == "INACTIVE"
    assert after["cmdb-web-02"]["detail"]["cpu"] == 8
    assert after["cmdb-web-02"]["updated_at"] > before["cmdb-web-02"]["updated_at"]
    assert after["cmdb-web-03"] == before["cmdb-web-03"]
    assert [after[key]["id"] for key in sorted(after)] == [before[key]["id"] for key in sorted(before)]


async def test_columns_that_are_left_out_keep_their_values_and_empty_ones_are_unset(inventories: Inventories) -> None:
    full = {
        "comment": "old",
        "tags": {"a": "b"},
        "monitoring_enabled": True,
        "backup_policy": "daily",
        "product": "debian-12",
    }
    await inventories.load([inventories.row("web-01", **full), inventories.row("web-02", **full)])
    identity = ("organization", "cloud", "service", "type", "name", "external_id")
    kept = {name: inventories.row("web-01")[name] for name in identity}
    unset = {name: inventories.row("web-02")[name] for name in identity} | dict.fromkeys(full)
    await inventories.load([kept])
    await inventories.load([unset], Format.CSV)
    resources = await inventories.resources()
    assert resources["cmdb-web-01"]["revision"] == 1
    web = resources["cmdb-web-02"]
    assert (web["comment"], web["tags"], web["monitoring_enabled"], web["product"]) == (None, {}, False, None)
    assert web["detail"]["backup_policy"] is None
    assert web["detail"]["cpu"] == 2


async def test_a_dry_run_says_what_would_happen_and_writes_nothing(inventories: Inventories) -> None:
    await inventories.load([inventories.row("web-01")])
    before = await inventories.resources()
    found = await inventories.load(
        [inventories.row("web-01", cpu=4), inventories.row("web-02", service="new")], dry_run=True
    )
    assert (found.created, found.updated, found.unchanged, found.dry_run) == (1, 1, 0, True)
    assert found.also_created["service"] == 1
    assert await inventories.resources() == before
    assert not await inventories.query("SELECT id FROM service WHERE name = 'new'")


async def test_what_is_missing_is_created_and_a_new_organizations_first_cloud_is_its_default(
    inventories: Inventories,
) -> None:
    code = inventories.organization
    found = await inventories.load(
        [
            inventories.row("a", cloud=f"{code}-z", organization_name="Clinique de l'Été"),
            inventories.row("b", cloud=f"{code}-a"),
            inventories.row("c", cloud=f"{code}-a", area="main", vlan=12, cidr="10.0.0.0/24"),
        ]
    )
    assert found.also_created == {"organization": 1, "cloud": 2, "service": 2, "area": 1, "network": 1}
    rows = await inventories.query(
        "SELECT o.name, o.is_group, c.code, c.is_default FROM organization o JOIN cloud c ON c.organization_id = o.id"
        " WHERE o.code = :code ORDER BY c.code",
        code=code,
    )
    assert [tuple(row) for row in rows] == [
        ("Clinique de l'Été", False, f"{code}-a", False),
        ("Clinique de l'Été", False, f"{code}-z", True),
    ]
    await inventories.load([inventories.row("d", cloud=f"{code}-late", organization_name="Another name")])
    rows = await inventories.query(
        "SELECT o.name, count(*) FILTER (WHERE c.is_default) FROM organization o"
        " JOIN cloud c ON c.organization_id = o.id WHERE o.code = :code GROUP BY o.name",
        code=code,
    )
    assert [tuple(row) for row in rows] == [("Clinique de l'Été", 1)]


async def test_nothing_missing_is_created_where_that_is_not_wanted(inventories: Inventories) -> None:
    code = inventories.organization
    rows = [inventories.row("a"), inventories.row("b", service="other")]
    (error,) = await inventories.errors(rows, create_missing=False)
    expected = "expected what is there, for nothing may be created"
    assert error == f'inventory.ndjson:1: organization: there is no organization "{code}"; {expected}'
    await inventories.load(rows)
    found = await inventories.load(rows, create_missing=False)
    assert found.unchanged == 2
    more = [
        inventories.row("c", cloud=f"{code}-new", service="x"),
        inventories.row("d", service="fresh"),
        inventories.row("e", area="new", vlan=1, cidr="10.9.0.0/24"),
    ]
    errors = await inventories.errors(more, create_missing=False)
    assert [error.split(";")[0] for error in errors] == [
        f'inventory.ndjson:1: cloud: there is no Cloud "{code}-new"',
        'inventory.ndjson:2: service: there is no Service "fresh" in the Cloud',
        'inventory.ndjson:3: area: there is no area "new"',
    ]


async def test_data_centers_follow_from_the_zones_where_they_are_left_out(inventories: Inventories) -> None:
    zones = ["EB-HDS-C", "EB-HDS-A", "EB-HDS-B"]
    row = inventories.row("a", "KUBERNETES_CLUSTER", availability_zones=zones)
    del row["data_centers"]
    await inventories.load([row])
    found = (await inventories.resources())["cmdb-a"]
    assert (found["availability_zones"], found["data_centers"]) == (zones, ["EB5", "EB4"])
    placed = await inventories.query(
        "SELECT data_center_code, availability_zone_code FROM resource_placement WHERE resource_id = :id"
        " ORDER BY position",
        id=found["id"],
    )
    assert [tuple(row) for row in placed] == [("EB5", "EB-HDS-C"), ("EB4", "EB-HDS-A"), ("EB4", "EB-HDS-B")]


async def test_a_network_is_found_again_and_can_be_taken_away(inventories: Inventories) -> None:
    network = {"area": "main", "vlan": 100, "cidr": "10.1.0.0/24"}
    await inventories.load([inventories.row("a", **network), inventories.row("b", **network)])
    again = await inventories.load([inventories.row("c", **network, network_scope="PRIVATE")])
    assert again.also_created["network"] == again.also_created["area"] == 0
    found = await inventories.resources()
    assert len({row["network_id"] for row in found.values()}) == 1
    assert (found["cmdb-a"]["area"], found["cmdb-a"]["vlan"], found["cmdb-a"]["cidr"]) == ("main", 100, "10.1.0.0/24")
    await inventories.load([inventories.row("a", **dict.fromkeys(network)), inventories.row("b")])
    found = await inventories.resources()
    assert found["cmdb-a"]["network_id"] is None
    assert found["cmdb-b"]["network_id"] is not None


async def test_names_can_be_swapped_and_passed_on(inventories: Inventories) -> None:
    await inventories.load([inventories.row(name) for name in ("a", "b", "c")])
    moved = [
        inventories.row("b", external_id="cmdb-a"),
        inventories.row("a", external_id="cmdb-b"),
        inventories.row("d", external_id="cmdb-c"),
        inventories.row("c", external_id="cmdb-new"),
    ]
    found = await inventories.load(moved)
    assert (found.created, found.updated) == (1, 3)
    resources = await inventories.resources()
    assert {key: row["name"] for key, row in resources.items()} == {
        "cmdb-a": "b",
        "cmdb-b": "a",
        "cmdb-c": "d",
        "cmdb-new": "c",
    }
    assert {row["revision"] for row in resources.values()} == {1, 2}
    assert (await inventories.load(moved)).unchanged == 4


async def test_a_resource_can_move_to_another_service_of_its_cloud(inventories: Inventories) -> None:
    await inventories.load([inventories.row("a")])
    found = await inventories.load([inventories.row("a", service="billing")])
    assert (found.updated, found.also_created["service"]) == (1, 1)
    assert (await inventories.resources())["cmdb-a"]["service"] == "billing"


async def test_times_of_the_source_are_kept_and_never_go_back(inventories: Inventories) -> None:
    times = {"created_at": "2024-05-06T07:08:09.123456+02:00", "updated_at": "2025-01-01T00:00:00Z"}
    await inventories.load([inventories.row("a", **times)])
    found = (await inventories.resources())["cmdb-a"]
    assert found["created_at"] == datetime(2024, 5, 6, 5, 8, 9, 123456, tzinfo=UTC)
    assert found["updated_at"] == datetime(2025, 1, 1, tzinfo=UTC)

    later = times | {"updated_at": "2025-02-01T00:00:00Z"}
    assert (await inventories.load([inventories.row("a", **later)])).updated == 1
    found = (await inventories.resources())["cmdb-a"]
    assert (found["updated_at"], found["revision"]) == (datetime(2025, 2, 1, tzinfo=UTC), 2)

    assert (await inventories.load([inventories.row("a", **times)])).unchanged == 1
    assert (await inventories.load([inventories.row("a", **times, cpu=16)])).updated == 1
    found = (await inventories.resources())["cmdb-a"]
    assert found["updated_at"] > datetime(2026, 1, 1, tzinfo=UTC)
    assert found["revision"] == 3
    assert (await inventories.load([inventories.row("a", **times, cpu=16)])).unchanged == 1


async def test_one_of_two_times_is_enough(inventories: Inventories) -> None:
    await inventories.load(
        [
            inventories.row("a", created_at="2020-01-01T00:00:00Z"),
            inventories.row("b", updated_at="2020-01-01T00:00:00Z"),
        ]
    )
    found = await inventories.resources()
    year_2020 = datetime(2020, 1, 1, tzinfo=UTC)
    assert found["cmdb-a"]["created_at"] == year_2020 < found["cmdb-a"]["updated_at"]
    assert found["cmdb-b"]["created_at"] == year_2020 == found["cmdb-b"]["updated_at"]


async def test_values_that_look_like_formulas_or_markup_stay_as_they_are(inventories: Inventories) -> None:
    odd = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "<b>x</b>",
        " padded ",
        "'",
        '"',
        "\t",
        "a,b",
        "line\nbreak",
        "\r\n",
        "é漢🚀",
    ]
    rows = [inventories.row(f"n{number}", comment=value, tags={"v": value}) for number, value in enumerate(odd)]
    await inventories.load(rows, Format.CSV)
    found = await inventories.resources()
    assert [found[f"cmdb-n{number}"]["comment"] for number in range(len(odd))] == odd
    assert [found[f"cmdb-n{number}"]["tags"]["v"] for number in range(len(odd))] == odd


@pytest.mark.parametrize(
    "tags",
    [
        {"team": "care", "note": "a:b"},
        [{"key": "team", "value": "care"}, {"key": "note", "value": "a:b"}],
        ["team:care", "note:a:b"],
        "team:care;note:a:b",
        "team:care;;note:a:b;",
        '{"team": "care", "note": "a:b"}',
    ],
)
async def test_tags_can_be_written_in_several_ways(inventories: Inventories, tags: object) -> None:
    await inventories.load([inventories.row("a", tags=tags)])
    assert (await inventories.resources())["cmdb-a"]["tags"] == {"team": "care", "note": "a:b"}


async def test_files_of_both_formats_are_one_input(inventories: Inventories) -> None:
    sources = [
        inventories.source([inventories.row("a")], Format.CSV),
        inventories.source([inventories.row("b")], Format.NDJSON),
    ]
    found = await import_inventory(inventories.urls.owner, sources)
    assert found.created == 2


async def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_values(inventories: Inventories) -> None:
    table_ = b"\xef\xbb\xbf" + as_csv([inventories.row("a", comment="last")]).encode()
    assert b"\r\n" in table_
    lines = b"\xef\xbb\xbf" + as_ndjson([inventories.row("b", comment="last")]).replace("\n", "\r\n").encode()
    await inventories.load(table_, Format.CSV)
    await inventories.load(lines, Format.NDJSON)
    assert [row["comment"] for row in (await inventories.resources()).values()] == ["last", "last"]


async def test_blank_lines_and_a_missing_last_line_end_do_not_matter(inventories: Inventories) -> None:
    lines = "\n  \n" + as_ndjson([inventories.row("a")]) + "\n\n" + as_ndjson([inventories.row("b")]).rstrip("\n")
    assert (await inventories.load(lines)).created == 2
    header, record = as_csv([inventories.row("c")]).split("\r\n")[:2]
    assert (await inventories.load(f"\n{header}\n\n{record}", Format.CSV)).created == 1


async def test_the_standard_input_is_read_like_a_file(inventories: Inventories) -> None:
    environment = {**os.environ, "DATABASE_URL": inventories.urls.app, "DATABASE_OWNER_URL": inventories.urls.owner}
    command = [sys.executable, "-m", "gateway.cli", "import", "--format", "csv", "-"]
    importer = await asyncio.create_subprocess_exec(*command, env=environment, stdin=PIPE, stdout=PIPE)
    printed, _ = await importer.communicate(as_csv([inventories.row("a")]).encode())
    assert importer.returncode == 0
    assert b"1 created, 0 updated, 0 unchanged" in printed
    assert set(await inventories.resources()) == {"cmdb-a"}


async def test_progress_ends_at_the_end_of_every_stage(inventories: Inventories) -> None:
    told: list[tuple[Stage, int, int | None]] = []
    source = inventories.source([inventories.row(f"n{number}") for number in range(30)])
    await import_inventory(inventories.urls.owner, [source], progress=lambda *now: told.append(now))
    assert [stage for stage, _, _ in told] == [Stage.READING, Stage.CHECKING, Stage.WRITING]
    assert told[0][1:] == (source.size, source.size)
    assert told[-1][1:] == (30, 30)


async def test_a_large_inventory_is_written_in_several_statements(inventories: Inventories) -> None:
    rows = [inventories.row(f"n{number}", service=f"s{number % 700}") for number in range(10_500)]
    assert (await inventories.load(rows)).created == 10_500
    assert (await inventories.load(rows)).unchanged == 10_500
    changed = [row | {"cpu": 4} for row in rows]
    assert (await inventories.load(changed)).updated == 10_500
    counted = await inventories.query(
        "SELECT count(*), count(DISTINCT r.service_id), min(i.cpu) FROM resource r"
        " JOIN instance i ON i.resource_id = r.id JOIN organization o ON o.id = r.organization_id WHERE o.code = :code",
        code=inventories.organization,
    )
    assert tuple(counted[0]) == (10_500, 700, 4)


async def test_of_two_imports_of_the_same_at_once_one_may_be_told_to_run_again(inventories: Inventories) -> None:
    rows = [inventories.row(f"n{number}") for number in range(50)]
    sources = [[inventories.source(rows)] for _ in range(2)]
    outcomes = await asyncio.gather(
        *(import_inventory(inventories.urls.owner, source) for source in sources), return_exceptions=True
    )
    assert any(not isinstance(outcome, BaseException) for outcome in outcomes)
    assert all(isinstance(outcome, ImportInterrupted) for outcome in outcomes if isinstance(outcome, BaseException))
    assert len(await inventories.resources()) == 50
    assert (await inventories.load(rows)).unchanged == 50


def test_the_formats_of_files_are_told_by_their_names() -> None:
    sources = sources_of(["a.csv", "B.NDJSON"])
    assert [(source.name, source.format) for source in sources] == [("a.csv", "csv"), ("B.NDJSON", "ndjson")]
    (piped,) = sources_of(["-"], Format.CSV)
    assert piped.path is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.xlsx"], "a.xlsx: the format is not known; expected --format csv or --format ndjson"),
        (["-"], "-: the format is not known; expected --format csv or --format ndjson"),
    ],
)
def test_a_format_that_cannot_be_told_is_asked_for(arguments: Sequence[str], message: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        sources_of(arguments)
    assert [str(error) for error in refused.value.errors] == [message]


def test_the_standard_input_can_be_named_once() -> None:
    with pytest.raises(ImportRefused) as refused:
        sources_of(["-", "-"], Format.CSV)
    assert [str(error) for error in refused.value.errors] == ["-: the standard input can be read once only"]


def test_no_detail_has_a_column_that_the_resource_has_too() -> None:
    """A row's values go to the resource and to its detail by their names alone."""
    own = {column.name for column in table(Resource).c} - {"organization_id", "cloud_id"}
    for detail in DETAILS.values():
        assert not own & {column.name for column in table(detail).c}
