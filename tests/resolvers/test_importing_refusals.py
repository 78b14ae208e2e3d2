"""Bad input is refused as a whole, and every error is told with its place and with what would be right."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from resolvers.importing import Format, ImportRefused, Source, import_inventory
from resolvers.importing.values import MOST_WHOLE_NUMBER
from tests.resolvers.inventories import Inventories, as_csv, as_ndjson

WRONG_VALUES: list[tuple[str, str, Any, str]] = [
    ("INSTANCE", "organization", "Bad Code", '"Bad Code" does not have that form; expected a code of a-z, 0-9 and -'),
    ("INSTANCE", "organization", "x" * 64, "has 64 characters"),
    ("INSTANCE", "cloud", "-x", '"-x" does not have that form'),
    ("INSTANCE", "service", "a/b", '"a/b" does not have that form; expected a name of 1 to 200 characters without /'),
    ("INSTANCE", "name", "a/b", '"a/b" does not have that form'),
    ("INSTANCE", "name", "n" * 201, "has 201 characters"),
    ("INSTANCE", "name", "nul\0", r'"nul\x00" contains a NUL character'),
    ("INSTANCE", "type", "instance", '"instance" is no known type (did you mean "INSTANCE"?); expected one of'),
    ("INSTANCE", "status", "active", '"active" is no known status (did you mean "ACTIVE" or "INACTIVE"?)'),
    ("INSTANCE", "environment", "prod", '"prod" is no known environment; expected one of dev, integration, pre'),
    ("INSTANCE", "product", "debian-99", '"debian-99" is no known product (did you mean "debian-'),
    ("INSTANCE", "support_phase", "OLD", '"OLD" is no known support phase'),
    ("INSTANCE", "availability_zones", "EB-HDS-Z", '"EB-HDS-Z" is no known availability zone (did you mean "EB-HDS-'),
    ("INSTANCE", "availability_zones", "EB-HDS-A;EB-HDS-A", "says something twice; expected each value once"),
    ("INSTANCE", "availability_zones", "EB-A", "EB-A is reserved for the group"),
    ("INSTANCE", "data_centers", "EB9", '"EB9" is no known data center'),
    ("INSTANCE", "tags", "novalue", '"novalue" has no colon; expected key:value;key:value'),
    ("INSTANCE", "tags", "a:b;a:c", 'the tag "a" is there twice; expected one value per key'),
    ("INSTANCE", "tags", "!a:b", 'the key "!a" starts with ! or has a colon'),
    ("INSTANCE", "tags", "a:b; c:d", 'the key " c" starts or ends with a space'),
    ("INSTANCE", "tags", ":b", 'the key "" has 0 characters'),
    ("INSTANCE", "tags", f"{'k' * 129}:b", "has 129 characters; expected 1 to 128"),
    ("INSTANCE", "tags", f"a:{'v' * 257}", 'the value of the tag "a" has 257 characters; expected 256 at the most'),
    ("INSTANCE", "tags", ";".join(f"k{n}:v" for n in range(51)), "has 51 tags; expected 50 at the most"),
    ("INSTANCE", "tags", '{"a": 1}', 'the tag "a" has the value 1; expected text for both'),
    ("INSTANCE", "tags", '{"a": "b", "a": "c"}', 'has the member "a" twice; expected every member once'),
    ("INSTANCE", "tags", '{"a": "b"', "is not JSON"),
    ("INSTANCE", "tags", '{"a": "\\u0000"}', "contains a NUL character"),
    ("INSTANCE", "tags", '{"a": "\\ud800"}', "contains half of a surrogate pair"),
    ("INSTANCE", "ip_addresses", "10.0.0.256", '"10.0.0.256" is not an IP address; expected IP addresses, such as'),
    ("INSTANCE", "ip_addresses", "10.0.0.1/24", '"10.0.0.1/24" is not an IP address'),
    ("INSTANCE", "ip_addresses", "fe80::1%eth0", "names a network interface"),
    ("INSTANCE", "ip_addresses", "::1;0:0::1", "says something twice"),
    ("INSTANCE", "vlan", "4095", "4095 is out of range; expected a whole number from 1 to 4,094"),
    ("INSTANCE", "cidr", "10.0.0.1/24", '"10.0.0.1/24" is an address inside a network'),
    ("INSTANCE", "cidr", "10.0.0.0", '"10.0.0.0" is not a network'),
    ("INSTANCE", "area", "main", "is given without vlan and cidr; expected all three of them, or none"),
    ("INSTANCE", "network_scope", "PRIVATE", "is given without a network; expected area, vlan, cidr too"),
    (
        "INSTANCE",
        "created_at",
        "2026-01-01T00:00:00",
        "says no time zone; expected a date and time with its zone, such",
    ),
    ("INSTANCE", "created_at", "2026-01-01", '"2026-01-01" is not a date and time'),
    ("INSTANCE", "created_at", "2026-02-30T00:00:00Z", "is on no calendar or clock"),
    ("INSTANCE", "created_at", "0001-01-01T00:00:00+10:00", "is on no calendar or clock"),
    ("INSTANCE", "created_at", "9999-12-31T00:00:00Z", "is in the future; expected a moment that has been"),
    ("INSTANCE", "created_at", "٢٠٢٦-01-01T00:00:00Z", "is not a date and time"),
    ("INSTANCE", "monitoring_enabled", "yes", '"yes" is neither true nor false; expected true or false'),
    ("INSTANCE", "cpu", "two", '"two" is not a whole number; expected a whole number from 1 to 2,147,483,647'),
    ("INSTANCE", "cpu", "0", "0 is out of range"),
    ("INSTANCE", "cpu", "1.0", '"1.0" is not a whole number'),
    ("INSTANCE", "cpu", "1_0", '"1_0" is not a whole number'),
    ("INSTANCE", "cpu", "٣", "is not a whole number"),
    ("INSTANCE", "cpu", str(MOST_WHOLE_NUMBER + 1), "2147483648 is out of range"),
    ("INSTANCE", "cpu", "9" * 5000, "is not a whole number"),
    ("INSTANCE", "backup_size_gb", "NaN", '"NaN" is not a number; expected a number of 0 or more'),
    ("INSTANCE", "backup_size_gb", "1e999", "Infinity is out of range"),
    ("INSTANCE", "backup_size_gb", "-1", "-1.0 is out of range"),
    ("INSTANCE", "os_type", "BSD", '"BSD" is no known kind of operating system; expected one of LINUX, UNIX, WINDOWS'),
    ("INSTANCE", "port", "80", '"80" is given; expected nothing, for that type of resource has no such property'),
    ("INSTANCE", "patching_excluded_reason", "old", "is there though nothing is excluded"),
    ("INSTANCE", "comment", "x" * 10_001, "has 10,001 characters; expected text of 1 to 10,000 characters"),
    ("LOAD_BALANCER", "port", "65536", "65536 is out of range; expected a whole number from 1 to 65,535"),
    ("LOAD_BALANCER", "cpu", "1", '"1" is given; expected nothing'),
    ("OBJECT_STORE", "quota_gb", "0", "0 is out of range"),
    ("INSTANCE", "data_centers", "EB5", "EB-HDS-A is in EB4, which is not among them; expected EB4"),
]
"""Type of resource, column, the text of its cell, and how the error goes on after the column."""


@pytest.mark.parametrize(("type_", "column", "value", "message"), WRONG_VALUES)
async def test_a_wrong_value_is_told_with_its_line_its_column_and_what_is_expected(
    inventories: Inventories, type_: str, column: str, value: str, message: str
) -> None:
    zones = ["EB-HDS-A"] if message.startswith("EB-HDS-A is in") else []
    rows = [
        inventories.row("good", type_),
        inventories.row("bad", type_, availability_zones=zones) | {column: value},
    ]
    errors = await inventories.errors(rows, Format.CSV)
    assert [error for error in errors if error.startswith(f"inventory.csv:3: {column}: ") and message in error]
    assert all(error.startswith("inventory.csv:3: ") for error in errors)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("name", 5, "5 is not a string"),
        ("name", True, "true is not a string"),
        ("name", ["a"], '["a"] is not a string'),
        ("name", "", "is empty"),
        ("external_id", 12345, "12345 is not a string"),
        ("type", {"a": 1}, '{"a": 1} is not a string'),
        ("status", 1, "1 is not a string"),
        ("cpu", "2", '"2" is not a whole number'),
        ("cpu", 2.0, "2.0 is not a whole number"),
        ("cpu", True, "true is not a whole number"),
        ("cpu", 10**30, "1000000000000000000000000000000 is out of range"),
        ("backup_size_gb", "1", '"1" is not a number'),
        ("backup_size_gb", 10**400, "out of range"),
        ("monitoring_enabled", 1, "1 is neither true nor false"),
        ("monitoring_enabled", "true", '"true" is neither true nor false'),
        ("created_at", 1700000000, "1700000000 is not a string"),
        ("ip_addresses", [167772161], "167772161 is not a string"),
        ("ip_addresses", {"a": "b"}, '{"a": "b"} is not a list; expected a list of strings, such as ["a", "b"]'),
        ("tags", 1, "1 holds no tags"),
        ("tags", [1], '1 is no tag; expected a list of {"key": "team", "value": "storefront"}'),
        ("tags", [{"key": "a", "value": "b", "more": 1}], "is no tag"),
        ("tags", {"a": None}, 'the tag "a" has the value null; expected text for both'),
        ("data_centers", ["EB4", 5], "5 is not a string"),
    ],
)
async def test_json_values_are_of_the_type_that_the_column_has(
    inventories: Inventories, column: str, value: Any, message: str
) -> None:
    errors = await inventories.errors([inventories.row("a") | {column: value}])
    found = [error for error in errors if f":1: {column}: " in error]
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize("column", ["organization", "cloud", "service", "type", "name", "external_id"])
async def test_a_row_without_its_identity_is_refused(inventories: Inventories, column: str) -> None:
    row = inventories.row("a")
    del row[column]
    assert await inventories.errors([row]) == [
        f"inventory.ndjson:1: {column}: is missing; expected a value in every row"
    ]
    header = await inventories.errors([row, row], Format.CSV)
    assert header[0] == f"inventory.csv:1: {column}: is missing; expected a column of that name"
    assert not [error for error in header if error.startswith(f"inventory.csv:2: {column}")]
    emptied = await inventories.errors([row | {column: ""}], Format.CSV)
    assert [error for error in emptied if re.match(f"inventory.csv:2: {column}: is (empty|missing);", error)]


async def test_a_new_resource_needs_more_than_one_that_is_there(inventories: Inventories) -> None:
    identity = {
        name: inventories.row("a")[name] for name in ("organization", "cloud", "service", "type", "name", "external_id")
    }
    errors = await inventories.errors([identity])
    assert {error.split(": ")[1] for error in errors} == {
        "status",
        "environment",
        "data_centers",
        "family",
        "os_type",
        "cpu",
        "ram_gb",
        "disk_gb",
    }
    assert all(error.endswith("is missing; expected a value, for the resource is new") for error in errors)
    await inventories.load([inventories.row("a")])
    assert (await inventories.load([identity])).unchanged == 1


@pytest.mark.parametrize("column", ["status", "environment", "cpu", "family"])
async def test_what_a_resource_must_have_cannot_be_emptied(inventories: Inventories, column: str) -> None:
    await inventories.load([inventories.row("a")])
    assert await inventories.errors([inventories.row("a") | {column: None}]) == [
        f"inventory.ndjson:1: {column}: is empty; expected a value"
    ]


@pytest.mark.parametrize("format_", list(Format))
async def test_an_unknown_column_is_told_with_the_one_that_may_have_been_meant(
    inventories: Inventories, format_: Format
) -> None:
    first, second = await inventories.errors([inventories.row("a", famly="DEBIAN", qwertz=1)], format_)
    assert first.startswith(f'inventory.{format_}:1: "famly" is no known column (did you mean "family"?); expected one')
    assert second.startswith(f'inventory.{format_}:1: "qwertz" is no known column; expected one of those that')


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("name,name,type", "name: is there 2 times; expected every column once"),
        ("name,,type", "column 2 has no name; expected the name of a column"),
        ("name;type", "the columns are separated by semicolons; no more was read; expected commas"),
    ],
)
async def test_a_header_that_cannot_be_read_is_told(inventories: Inventories, header: str, message: str) -> None:
    errors = await inventories.errors(header + "\n", Format.CSV)
    assert f"inventory.csv:1: {message}" in errors


async def test_both_lines_of_a_duplicate_are_told_also_across_files(inventories: Inventories) -> None:
    first = inventories.source([inventories.row("a"), inventories.row("b")], name="one.ndjson")
    second = inventories.source(
        [inventories.row("c", external_id="cmdb-a"), inventories.row("b", external_id="other")], name="two.ndjson"
    )
    with pytest.raises(ImportRefused) as refused:
        await import_inventory(inventories.urls.owner, [first, second])
    assert [str(error) for error in refused.value.errors] == [
        (
            'two.ndjson:1: external_id: "cmdb-a" is the external_id of one.ndjson:1 too;'
            " expected each external_id once in an organization"
        ),
        'two.ndjson:2: name: "b" is the name of one.ndjson:2 too; expected each name once in a Service',
    ]


async def test_a_name_that_another_resource_has_is_refused(inventories: Inventories) -> None:
    await inventories.load([inventories.row("a"), inventories.row("b")])
    errors = await inventories.errors(
        [inventories.row("a", external_id="new"), inventories.row("b", external_id="cmdb-a")]
    )
    (error,) = errors
    assert error == (
        'inventory.ndjson:2: name: "b" is the name of a resource with the external_id "cmdb-b" in that Service;'
        " expected a name that is free"
    )


async def test_a_resource_changes_neither_its_type_nor_its_cloud(inventories: Inventories) -> None:
    await inventories.load([inventories.row("a"), inventories.row("b")])
    errors = await inventories.errors(
        [
            inventories.row("a", "LOAD_BALANCER"),
            inventories.row("b", cloud=f"{inventories.organization}-other"),
        ]
    )
    assert errors == [
        "inventory.ndjson:1: type: the resource has the type INSTANCE; expected the same, for a type never changes",
        (
            f'inventory.ndjson:2: cloud: the resource is in the Cloud "{inventories.organization}-main";'
            " expected the same, for a resource never moves to another Cloud"
        ),
    ]


async def test_a_cloud_belongs_to_one_organization(inventories: Inventories) -> None:
    await inventories.load([inventories.row("a")])
    other = inventories.row("b", organization=f"{inventories.organization}-b")
    message = f'"{inventories.organization}-main" is a Cloud of the organization "{inventories.organization}"'
    assert await inventories.errors([other]) == [f"inventory.ndjson:1: cloud: {message}"]
    unknown = [
        inventories.row("c", organization=f"{inventories.organization}-c", cloud=f"{inventories.organization}-new"),
        inventories.row("d", organization=f"{inventories.organization}-d", cloud=f"{inventories.organization}-new"),
    ]
    assert len(await inventories.errors(unknown)) == 1


async def test_rows_do_not_contradict_each_other_about_what_is_created(inventories: Inventories) -> None:
    network = {"area": "main", "vlan": 7, "cidr": "10.0.0.0/24"}
    rows = [
        inventories.row("a", organization_name="One", **network),
        inventories.row("b", organization_name="Two", **network),
        inventories.row("c", **network, network_scope="INTERNET"),
        inventories.row("d", **(network | {"area": "other"})),
        inventories.row("e", **(network | {"vlan": 8}), data_centers=["ET1"]),
    ]
    errors = [error.partition(": ")[2] for error in await inventories.errors(rows)]
    code = inventories.organization
    assert errors == [
        f'organization_name: "Two" contradicts "One" of a row before; expected one name for the organization "{code}"',
        "area: the network 10.0.0.0/24 has the scope PRIVATE, not INTERNET",
        'area: the network 10.0.0.0/24 with VLAN 7 is in another area than "other"',
        'area: the area "main" is in the region EB, the resource in ET',
    ]


async def test_a_change_must_agree_with_what_stays(inventories: Inventories) -> None:
    first = inventories.row(
        "a", "INSTANCE", availability_zones=["EB-HDS-A"], patching_excluded=True, patching_excluded_reason="old"
    )
    await inventories.load([first])
    identity = {name: first[name] for name in ("organization", "cloud", "service", "type", "name", "external_id")}
    errors = await inventories.errors([identity | {"data_centers": ["EB5"], "patching_excluded": False}])
    assert errors == [
        (
            "inventory.ndjson:1: data_centers: the resource is in EB-HDS-A of EB4, which is not among them;"
            " expected that data center too, or other availability_zones"
        ),
        (
            "inventory.ndjson:1: patching_excluded_reason: is there though nothing is excluded;"
            " expected patching_excluded true, or no reason"
        ),
    ]
    moved = identity | {
        "availability_zones": ["EB-HDS-C"],
        "patching_excluded": False,
        "patching_excluded_reason": None,
    }
    assert (await inventories.load([moved])).updated == 1
    assert (await inventories.resources())["cmdb-a"]["data_centers"] == ["EB5"]


async def test_updated_at_is_not_before_created_at(inventories: Inventories) -> None:
    row = inventories.row("a", created_at="2026-01-01T00:00:00Z", updated_at="2026-01-01T00:30:00+01:00")
    assert await inventories.errors([row]) == [
        "inventory.ndjson:1: updated_at: is before created_at; expected a moment after it"
    ]


async def test_all_errors_are_counted_and_the_first_hundred_are_told(inventories: Inventories) -> None:
    rows = [inventories.row(f"n{number}", cpu="x", ram_gb="y") for number in range(200)]
    with pytest.raises(ImportRefused, match="400 errors in the input; nothing was written") as refused:
        await inventories.load(rows)
    assert refused.value.total == 400
    assert [error.line for error in refused.value.errors] == [line for line in range(1, 51) for _ in range(2)]


async def test_every_error_of_a_row_is_told(inventories: Inventories) -> None:
    errors = await inventories.refusal([inventories.row("a", status="x", cpu=0, tags="y", environment="z")])
    assert {error.column for error in errors} == {"status", "cpu", "tags", "environment"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"[]", "[] is not an object; expected one JSON object"),
        (b"1", "1 is not an object"),
        (b"null", "null is not an object"),
        (b'{"name": "a"', "is not JSON: Expecting ',' delimiter at character 13; expected one JSON object"),
        (b'{"name": "a"} {}', "is not JSON: Extra data at character 15"),
        (b'{"name": NaN}', "is not JSON: NaN is not a number"),
        (b'{"name": -Infinity}', "is not JSON: -Infinity is not a number"),
        (b'{"name": "a", "name": "b"}', 'has the member "name" twice; expected every member once'),
        (b'{"cpu": ' + b"9" * 5000 + b"}", "is not JSON: Exceeds the limit (4300 digits)"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"name": "\x00"}', "is not JSON: Invalid control character at character 11"),
        (b'{"name": "\xff"}', "byte 11 is not UTF-8; expected UTF-8"),
        (b"x" * (10 * 1024 * 1024), "the line is too long; expected 1,048,576 bytes at the most"),
    ],
)
async def test_a_line_that_is_no_json_object_is_told_and_the_lines_after_it_are_read(
    inventories: Inventories, line: bytes, message: str
) -> None:
    good = as_ndjson([inventories.row("a")]).encode()
    late = as_ndjson([inventories.row("b", cpu=0)]).encode()
    errors = await inventories.errors(good + line + b"\n" + late)
    assert errors[0].startswith(f"inventory.ndjson:2: {message}")
    assert errors[-1].startswith("inventory.ndjson:3: cpu: 0 is out of range")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (b'"a"b,c', "is not CSV: ',' expected after '\"'; expected values separated by commas, quoted with \""),
        (b"a,b", "has 2 values; expected 14, as the header has"),
        (b"a", "has 1 value; expected 14, as the header has"),
        (b"a\rb", "is not CSV: new-line character seen in unquoted field"),
        (b"x" * (10 * 1024 * 1024), "the line is too long; expected 1,048,576 bytes at the most"),
        (b"caf\xe9", "byte 4 is not UTF-8; expected UTF-8"),
    ],
)
async def test_a_record_that_is_not_csv_is_told_and_the_records_after_it_are_read(
    inventories: Inventories, record: bytes, message: str
) -> None:
    header, good = as_csv([inventories.row("a")]).encode().split(b"\r\n")[:2]
    late = as_csv([inventories.row("b", cpu=0)]).encode().split(b"\r\n")[1]
    errors = await inventories.errors(b"\n".join((header, good, record, late, b"")), Format.CSV)
    assert errors[0].startswith(f"inventory.csv:3: {message}")
    assert errors[-1].startswith("inventory.csv:4: cpu: 0 is out of range")


async def test_lines_stay_right_after_values_with_line_breaks(inventories: Inventories) -> None:
    rows = [inventories.row("a", comment="one\ntwo\r\nthree"), inventories.row("b", comment="x", cpu=0)]
    (error,) = await inventories.errors(rows, Format.CSV)
    assert error.startswith("inventory.csv:5: cpu: ")


async def test_a_quote_that_is_never_closed_is_told_where_it_opens(inventories: Inventories) -> None:
    content = as_csv([inventories.row("a")]) + 'x,"never closed\n' + "1,2\n" * 3
    (error,) = await inventories.errors(content, Format.CSV)
    assert error.startswith("inventory.csv:3: is not CSV: unexpected end of data")


@pytest.mark.parametrize(
    ("content", "format_", "message"),
    [
        (b"", Format.CSV, "inventory.csv: the file is empty; expected one resource per line"),
        (b"", Format.NDJSON, "inventory.ndjson: the file is empty; expected one resource per line"),
        (b"\n\n", Format.NDJSON, "inventory.ndjson: no resource is in it; expected one resource per line"),
        ("name".encode("utf-16"), Format.CSV, "inventory.csv:1: the file is in UTF-16; expected UTF-8"),
    ],
)
async def test_a_file_without_resources_is_told(
    inventories: Inventories, content: bytes, format_: Format, message: str
) -> None:
    assert message in await inventories.errors(content, format_)


async def test_a_header_without_resources_is_told(inventories: Inventories) -> None:
    header = as_csv([inventories.row("a")]).split("\r\n")[0]
    errors = await inventories.errors(header, Format.CSV)
    assert errors == ["inventory.csv: no resource is in it; expected one resource per line"]


async def test_what_cannot_be_opened_is_told(inventories: Inventories, tmp_path: Path) -> None:
    sources = [
        Source("folder.csv", Format.CSV, tmp_path),
        Source("missing.csv", Format.CSV, tmp_path / "missing.csv"),
        Source("loop.csv", Format.CSV, tmp_path / "loop.csv"),
    ]
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    with pytest.raises(ImportRefused) as refused:
        await import_inventory(inventories.urls.owner, sources)
    assert [str(error) for error in refused.value.errors] == [
        "folder.csv: cannot be read: Is a directory; expected a file",
        "missing.csv: cannot be read: No such file or directory; expected a file",
        "loop.csv: cannot be read: Too many levels of symbolic links; expected a file",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
async def test_a_file_that_may_not_be_read_is_told(inventories: Inventories, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("x")
    secret.chmod(0)
    with pytest.raises(ImportRefused) as refused:
        await import_inventory(inventories.urls.owner, [Source("secret.csv", Format.CSV, secret)])
    assert [str(error) for error in refused.value.errors] == [
        "secret.csv: cannot be read: Permission denied; expected a file"
    ]


async def test_an_error_quotes_values_so_that_they_do_nothing_to_a_terminal(inventories: Inventories) -> None:
    value = "\x1b[31mred\u202e\x9b" + "x" * 500
    (error,) = await inventories.errors([inventories.row("a", status=value)])
    quoted = json.dumps(error)
    assert r"\\x1b[31mred\\u202e\\x9b" in quoted
    assert error.isprintable()
    assert len(error) < 250
