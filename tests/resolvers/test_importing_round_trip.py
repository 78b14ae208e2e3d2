"""Whatever can be said of resources comes back from the database as it was, from either format."""

import itertools
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.postgres import DatabaseUrls
from resolvers.importing import Format
from resolvers.reference import AVAILABILITY_ZONES, DATA_CENTERS, ENVIRONMENTS
from resolvers.tables import OsType, ResourceStatus, SupportPhase, ZoneAudience
from tests.resolvers.inventories import Inventories

CLIENT_ZONES = [code for code, (_, audience) in AVAILABILITY_ZONES.items() if audience is ZoneAudience.CLIENT]
_organizations = itertools.count(1)

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(characters, min_size=1, max_size=12)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=12)
tag_keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0:!"), min_size=1, max_size=6)
tags = st.dictionaries(tag_keys, st.text(characters, max_size=12), max_size=4)
counts = st.integers(1, 2**31 - 1)
sizes = st.floats(0, 1e12, allow_nan=False)
flags = st.booleans()
moments = st.builds(
    lambda moment, hours: moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=hours))).isoformat(),
    st.datetimes(datetime(1990, 1, 1), datetime(2020, 1, 1)),  # noqa: DTZ001 # hypothesis takes them without a zone
    st.integers(-12, 14),
)
addresses = st.lists(st.ip_addresses().map(str), max_size=3, unique=True)
networks = st.tuples(st.sampled_from(["10.0.0.0/8", "2001:db8::/48"]), st.integers(1, 4094))


def or_unset(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


COMMON = {
    "tags": tags,
    "monitoring_enabled": flags,
    "on_call": flags,
    "comment": or_unset(texts),
    "created_by": or_unset(texts),
    "product": or_unset(st.sampled_from(["postgresql-17", "debian-12"])),
    "support_level": or_unset(texts),
    "support_phase": or_unset(st.sampled_from([phase.value for phase in SupportPhase])),
    "ip_addresses": addresses,
    "created_at": moments,
}
OWN = {
    "INSTANCE": {
        "os_type": st.sampled_from([kind.value for kind in OsType]),
        "cpu": counts,
        "disk_gb": st.integers(0, 2**31 - 1),
        "backup_policy": or_unset(texts),
        "backup_last_at": or_unset(moments),
        "backup_size_gb": or_unset(sizes),
        "recovery": flags,
        "patching_next_at": or_unset(moments),
        "patching_excluded": flags,
    },
    "LOAD_BALANCER": {"port": st.integers(1, 65535), "url": or_unset(texts), "redirect_to_https": flags},
    "OBJECT_STORE": {"quota_gb": counts, "used_gb": sizes, "geo_replicated": flags},
    "KUBERNETES_CLUSTER": {"ingress": texts, "high_availability": flags},
    "MANAGED_DATABASE": {
        "family": texts,
        "version": or_unset(texts),
        "disk_gb": or_unset(counts),
        "tls_enabled": flags,
    },
}


@st.composite
def places(draw: st.DrawFn) -> dict[str, list[str]]:
    """Zones, their data centers and perhaps further ones."""
    zones = draw(st.lists(st.sampled_from(CLIENT_ZONES), max_size=2, unique=True))
    of_zones = [AVAILABILITY_ZONES[zone][0] for zone in zones]
    further = draw(st.lists(st.sampled_from(list(DATA_CENTERS)), min_size=not zones, max_size=2))
    return {"availability_zones": zones, "data_centers": list(dict.fromkeys(of_zones + further))}


@st.composite
def resources(draw: st.DrawFn) -> dict[str, Any]:
    """All that a row can say, but for where it goes; some of it left out."""
    type_ = draw(st.sampled_from(list(OWN)))
    said = draw(st.fixed_dictionaries({}, optional=COMMON | OWN[type_])) | draw(places())
    said["service"] = draw(st.sampled_from(["shop", "é; \"x\", 'y'\n"]))
    said["status"] = draw(st.sampled_from([status.value for status in ResourceStatus]))
    said["environment"] = draw(st.sampled_from(list(ENVIRONMENTS)))
    if draw(st.booleans()):
        cidr, vlan = draw(networks)
        said |= {"area": "everywhere", "cidr": cidr, "vlan": vlan}
    return {"type": type_} | said


inventories_ = st.lists(
    st.tuples(names, texts, resources()), min_size=1, max_size=5, unique_by=(lambda row: row[0], lambda row: row[1])
)


def comparable(said: dict[str, Any], found: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a row said, and the same of what was found, in one spelling."""
    both = (dict(said), {name: found[name] if name in found else found["detail"][name] for name in said})
    for values in both:
        values["ip_addresses"] = [ip_address(str(address)) for address in values.get("ip_addresses", [])]
        for name in ("created_at", "backup_last_at", "patching_next_at"):
            if isinstance(values.get(name), str):
                values[name] = datetime.fromisoformat(values[name])
    return both


async def round_trip(urls: DatabaseUrls, folder: Path, drawn: list[tuple[str, str, dict[str, Any]]]) -> None:
    for format_ in Format:
        importer = Inventories(urls, folder, f"round-{next(_organizations)}")
        rows = []
        for name, external_id, said in drawn:
            row = importer.row(name, said["type"], external_id=external_id) | said
            # The area is in one region; a resource elsewhere has no part in it.
            if "area" in row and DATA_CENTERS[row["data_centers"][0]][0] != "EB":
                row = {column: value for column, value in row.items() if column not in {"area", "vlan", "cidr"}}
            rows.append(row)
        assert (await importer.load(rows, format_)).created == len(rows)
        found = await importer.resources()
        assert set(found) == {row["external_id"] for row in rows}
        for row in rows:
            said = {name: value for name, value in row.items() if name != "organization"}
            expected, actual = comparable(said, found[row["external_id"]])
            assert actual == expected
        for again in Format:
            unchanged = await importer.load(rows, again)
            assert (unchanged.created, unchanged.updated, unchanged.unchanged) == (0, 0, len(rows))
        assert await importer.resources() == found


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(drawn=inventories_)
async def test_what_is_imported_comes_back_as_it_was_and_again_changes_nothing(
    database: DatabaseUrls, tmp_path: Path, drawn: list[tuple[str, str, dict[str, Any]]]
) -> None:
    await round_trip(database, tmp_path, drawn)


@pytest.mark.long
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=inventories_)
async def test_many_inventories_come_back_as_they_were(
    database: DatabaseUrls, tmp_path: Path, drawn: list[tuple[str, str, dict[str, Any]]]
) -> None:
    await round_trip(database, tmp_path, drawn)
