"""Generates what clients may ask of lists of a world: filters, orders and dimensions, as JSON, for hypothesis."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from auth.permissions import Action
from auth.tables import Organization
from resolvers.reference import AVAILABILITY_ZONES, DATA_CENTERS, REGIONS
from resolvers.tables import OperationStatus, OsType, Resource, ResourceStatus, ResourceType, Service, SupportPhase
from schema.enums import ResourceField, ResourceOrderField
from schema.ids import global_id
from tests.schema.evaluation import resource_id
from tests.schema.vocabulary import ACTIONS, ADDRESSES, ENVIRONMENTS, SERIAL, TAG_KEYS, TAG_VALUES, TEXTS, TIMES, VLANS
from tests.schema.world import World

Json = dict[str, Any]
Asked = st.SearchStrategy[Json]

NOWHERE = UUID("00000000-0000-4000-8000-000000000000")
"""The identifier of nothing."""


def some_of(values: Sequence[Any] | st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Generate lists of values; also empty ones, and with one value more than once."""
    one = values if isinstance(values, st.SearchStrategy) else st.sampled_from(values)
    return st.one_of(st.lists(one, min_size=1, max_size=4), st.lists(one, max_size=4))


is_null = st.sampled_from([False] * 9 + [True])


@st.composite
def asks(
    draw: st.DrawFn, fields: Mapping[str, st.SearchStrategy[Any]], always: Mapping[str, Any] | None = None
) -> Json:
    """Generate objects with a few of some fields, some of them null: more would nearly always match nothing."""
    number = min(len(fields), draw(st.sampled_from((1, 1, 1, 1, 2, 2, 2, 0))))
    names = draw(st.lists(st.sampled_from(list(fields)), unique=True, min_size=number, max_size=number))
    chosen = {name: None if draw(is_null) else draw(fields[name]) for name in names}
    return chosen | {name: draw(strategy) for name, strategy in (always or {}).items()}


@st.composite
def parts_of_texts(draw: st.DrawFn) -> str:
    """Generate pieces of the texts that the world is made of."""
    text = draw(st.sampled_from(TEXTS))
    start = draw(st.integers(0, len(text)))
    return text[start : draw(st.integers(start, len(text)))]


texts = st.one_of(
    st.sampled_from(TEXTS),
    parts_of_texts(),
    st.text(alphabet=sorted({character for text in TEXTS for character in text}), max_size=3),
    st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=2),
)
"""Texts that meet those of the world, and any others that can be sent."""
tag_keys = st.one_of(st.sampled_from((*TAG_KEYS, SERIAL)), texts)
tag_values = st.one_of(st.sampled_from(TAG_VALUES), texts)
booleans = st.booleans()
addresses = st.sampled_from([*map(str, ADDRESSES), "10.9.9.9", "0:0:0:0:0:0:0:0", "2001:DB8:0::1", "::FFFF:10.0.0.1"])

strings = asks(
    {
        "eq": texts,
        "in": some_of(texts),
        "not": texts,
        "startsWith": texts,
        "contains": texts,
        "containsText": texts,
    }
)


def ranges_of(*numbers: int) -> Asked:
    """Generate ranges whose bounds are numbers of the world or beside them, also the wrong way round."""
    largest = 2**31 - 1
    bounds = sorted({max(-largest - 1, min(largest, n + step)) for n in (*numbers, 0) for step in (-1, 0, 1)})
    bound = st.sampled_from([*bounds, -largest - 1, largest])
    return asks({"from": bound, "to": bound})


@st.composite
def times(draw: st.DrawFn) -> str:
    """Generate times of the world and their neighbors, in any time zone and spelling that RFC 3339 has."""
    time = draw(st.sampled_from(TIMES))
    if TIMES[0] < time < TIMES[-1]:
        time += draw(st.integers(-1, 1)) * datetime.resolution
        time = time.astimezone(draw(st.sampled_from((UTC, timezone(timedelta(hours=5, minutes=45))))))
    text = time.isoformat()
    return text.replace("+00:00", "Z").replace("T", "t") if draw(booleans) else text


time_ranges = asks({"from": times(), "before": times()})
tag_matches = asks(
    {"value": tag_values, "values": some_of(tag_values), "valueStartsWith": tag_values}, always={"key": tag_keys}
)
tags = asks(
    {
        "all": st.lists(tag_matches, max_size=2),
        "any": st.lists(tag_matches, max_size=3),
        "none": st.lists(tag_matches, max_size=2),
        "hasKeys": st.lists(tag_keys, max_size=2),
        "missingKeys": st.lists(tag_keys, max_size=2),
    }
)
tag_queries = st.builds(
    lambda negated, key, value: f"{'!' * negated}{key}:{value}",
    booleans,
    tag_keys.filter(lambda key: key != "" and ":" not in key and not key.startswith("!")),
    tag_values,
)
DETAILS: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "instance": {
        "family": some_of(("DEBIAN", "debian", "WINDOWS", "é", "")),
        "osType": some_of(list(OsType)),
        "cpu": ranges_of(1, 2, 4, 2**31 - 1),
        "ramGb": ranges_of(1, 2, 4, 64),
        "diskGb": ranges_of(0, 1, 100),
        "ipAddress": some_of(addresses),
        "hasBackup": booleans,
        "recovery": booleans,
        "patchingGroup": some_of(("", "A", "a", "É")),
        "patchingExcluded": booleans,
    },
    "loadBalancer": {
        "protocol": some_of(("HTTP", "HTTPS", "tcp", "TCP")),
        "port": ranges_of(1, 80, 443, 65535),
        "domain": some_of(("", "a.example", "A.example")),
        "redirectToHttps": booleans,
    },
    "objectStore": {"geoReplicated": booleans, "quotaGb": ranges_of(1, 10, 2**31 - 1)},
    "kubernetesCluster": {
        "kubernetesVersion": st.one_of(
            strings, asks({"in": some_of(("1.31", "1.3", "%")), "startsWith": st.just("1.3")})
        ),
        "ingress": some_of(("NGINX", "nginx", "TRAEFIK")),
        "highAvailability": booleans,
    },
}
"""By type, the value of every field of its filter."""


def ids_of(type_: str, keys: Sequence[UUID]) -> st.SearchStrategy[list[str]]:
    """Generate lists of ids of a type, of one that is nothing's, and of one that is of another type."""
    return some_of([*(global_id(type_, key) for key in (*keys, NOWHERE)), global_id("Region", keys[0])])


@lru_cache(maxsize=4)
def resource_fields(world: World) -> dict[str, st.SearchStrategy[Any]]:
    """Generate the value of every field of `ResourceFilter`, but for those that nest others."""
    return {
        "type": some_of(list(ResourceType)),
        "status": some_of(list(ResourceStatus)),
        "environment": some_of((*ENVIRONMENTS, "PRODUCTION", "")),
        "name": strings,
        "region": some_of((*REGIONS, "eb")),
        "dataCenter": some_of((*DATA_CENTERS, "EB")),
        "availabilityZone": some_of((*AVAILABILITY_ZONES, "EB4")),
        "organization": ids_of("Organization", [row.id for row in world.all(Organization)]),
        "cloud": ids_of("Cloud", list(world.clouds)),
        "service": ids_of("Service", list(world.services)),
        "monitoringEnabled": booleans,
        "onCall": booleans,
        "supportLevel": some_of(("", "gold", "Gold", "%", "é")),
        "supportPhase": some_of(list(SupportPhase)),
        "vlan": some_of((*VLANS, 0, -(2**31), 2**31 - 1)),
        "area": some_of([*(area.code for area in world.areas.values()), ""]),
        "ipAddress": some_of(addresses),
        "createdAt": time_ranges,
        "updatedAt": time_ranges,
        "tags": tags,
        "tagQuery": st.lists(tag_queries, max_size=2),
        **{type_: asks(fields) for type_, fields in DETAILS.items()},
    }


def one_field(world: World, path: str) -> Asked:
    """Generate filters that ask for one field, or for one of a type: `vlan`, `instance.cpu`."""
    name, _, below = path.partition(".")
    value = DETAILS[name][below] if below else resource_fields(world)[name]
    return value.map(lambda drawn: {name: {below: drawn}} if below else {name: drawn})


@lru_cache(maxsize=4)
def resource_filters(world: World) -> Asked:
    """Generate `ResourceFilter`s: every field, nested in and, or and not."""
    fields = resource_fields(world)

    @st.composite
    def nested(draw: st.DrawFn, depth: int) -> Json:
        parts = nested(depth - 1)
        combined = {"and": st.lists(parts, max_size=3), "or": st.lists(parts, max_size=3), "not": parts}
        return draw(asks(combined if depth > 0 and draw(booleans) else fields))

    return nested(2)


@lru_cache(maxsize=4)
def service_filters(world: World) -> Asked:
    """Generate `ServiceFilter`s."""
    names = some_of([service.name for service in world.all(Service)])
    return asks(
        {
            "name": st.one_of(strings, asks({"in": names})),
            "cloud": ids_of("Cloud", list(world.clouds)),
            "organization": ids_of("Organization", [row.id for row in world.all(Organization)]),
        }
    )


@lru_cache(maxsize=4)
def operation_filters(world: World) -> Asked:
    """Generate `OperationFilter`s."""
    return asks(
        {
            "action": some_of([*ACTIONS, *list(Action)[:3]]),
            "status": some_of(list(OperationStatus)),
            "cloud": ids_of("Cloud", list(world.clouds)),
            "resource": some_of([*map(resource_id, world.all(Resource)), global_id("Instance", NOWHERE)]),
            "submittedAt": time_ranges,
        }
    )


directions = {"direction": st.sampled_from(("ASC", "DESC"))}
orders = st.lists(
    st.fixed_dictionaries(
        {"field": st.sampled_from([field.value for field in ResourceOrderField])}, optional=directions
    ),
    unique_by=lambda key: str(key["field"]),
    max_size=4,
)
"""Orders of resources, also empty ones."""
service_orders = st.lists(st.fixed_dictionaries({"field": st.just("NAME")}, optional=directions), max_size=1)
"""Orders of Services, also empty ones."""
dimensions: st.SearchStrategy[list[Json]] = st.lists(
    st.one_of(
        st.builds(dict, field=st.sampled_from([field.value for field in ResourceField])),
        st.builds(dict, tag=tag_keys),
    ),
    max_size=10,
)
"""What facets may count by, also the same twice."""
