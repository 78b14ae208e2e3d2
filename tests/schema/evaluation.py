"""What filters, orders and facets mean, told in Python over plain rows: the judge of what the graph answers.

Read it to learn the filters. A filter is the JSON value that a client sends, and these rules hold for all of it:

    absent, null        asks nothing
    {}                  matches everything
    []                  of values, matches nothing; so does `any: []`, `or: []`; but `all: []`, `and: []` hold for all
    side by side        every field of an object holds

A value that is not there is like none: `supportPhase: [STANDARD]` does not hold for a resource without a
support phase, and `not: {supportPhase: [STANDARD]}` does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from ipaddress import ip_address
from typing import Any

from resolvers.reference import DATA_CENTERS
from resolvers.tables import (
    Instance,
    KubernetesCluster,
    LoadBalancer,
    Network,
    ObjectStore,
    Operation,
    Resource,
    Service,
)
from schema.ids import RESOURCE_TYPES, global_id
from tests.schema.world import Detail, World

Json = Mapping[str, Any]
Rules = Mapping[str, Callable[[Any, Any], bool]]
"""By the name of a field of a filter: whether a thing is as the field's value, which is not null, asks."""


def holds(rules: Rules, thing: Any, asked: Json | None) -> bool:
    """Tell whether everything that a filter asks holds for a thing."""
    return all(rules[field](thing, value) for field, value in (asked or {}).items() if value is not None)


# -- texts, numbers and times ----------------------------------------------------------------------------------------


def ignoring_case(text: str) -> str:
    """Fold a text: each character to its lower case, one for one, whatever stands beside it."""
    return "".join("i" if character == "İ" else character.lower() for character in text)


STRING: Rules = {
    "eq": lambda text, value: text == value,
    "in": lambda text, values: text in values,
    "not": lambda text, value: text != value,
    "startsWith": lambda text, value: text.startswith(value),
    "contains": lambda text, value: value in text,
    "containsText": lambda text, value: ignoring_case(value) in ignoring_case(text),
}
INT_RANGE: Rules = {
    "from": lambda number, value: number >= value,
    "to": lambda number, value: number <= value,
}
TIME_RANGE: Rules = {
    "from": lambda time, value: time >= moment(value),
    "before": lambda time, value: time < moment(value),
}


def moment(text: str) -> datetime:
    """Read a DateTime."""
    return datetime.fromisoformat(text)


# -- tags ------------------------------------------------------------------------------------------------------------

# A resource has one value per key. These ask whether a tag is there whose key and value are as asked.
TAG_MATCH: Rules = {
    "key": lambda tag, key: tag[0] == key,
    "value": lambda tag, value: tag[1] == value,
    "values": lambda tag, values: tag[1] in values,
    "valueStartsWith": lambda tag, value: tag[1].startswith(value),
}
TAGS: Rules = {
    "all": lambda tags, matches: all(tagged(tags, match) for match in matches),
    "any": lambda tags, matches: any(tagged(tags, match) for match in matches),
    "none": lambda tags, matches: not any(tagged(tags, match) for match in matches),
    "hasKeys": lambda tags, keys: all(key in tags for key in keys),
    "missingKeys": lambda tags, keys: not any(key in tags for key in keys),
}


def tagged(tags: Mapping[str, str], match: Json) -> bool:
    """Tell whether there is a tag like this."""
    return any(holds(TAG_MATCH, tag, match) for tag in tags.items())


def tag_query(tags: Mapping[str, str], query: str) -> bool:
    """Read a tag query as ITCare spells it: `key:value` or `!key:value`. The first colon ends the key."""
    key, _, value = query.removeprefix("!").partition(":")
    return (tags.get(key) == value) is not query.startswith("!")


# -- resources -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """A resource with what filters ask about it that is told by other rows."""

    world: World
    resource: Resource

    @cached_property
    def id(self) -> str:
        """Its id in the graph."""
        return resource_id(self.resource)

    @cached_property
    def detail(self) -> Detail:
        """The row of its type."""
        return self.world.details[self.resource.id]

    @cached_property
    def regions(self) -> set[str]:
        """The regions of its data centers."""
        return {DATA_CENTERS[code][0] for code in self.resource.data_centers}

    @cached_property
    def network(self) -> Network | None:
        """Its network, if it has one."""
        return self.world.networks[self.resource.network_id] if self.resource.network_id else None

    @cached_property
    def area(self) -> str | None:
        """The code of its network's area, if it has a network."""
        return self.world.areas[self.network.area_id].code if self.network else None

    def has_address(self, values: Sequence[str]) -> bool:
        """Tell whether one of these is an IP address of it, however it is spelled."""
        return any(ip_address(value) in self.resource.ip_addresses for value in values)


def has(attribute: str) -> Callable[[Seen, Any], bool]:
    """Ask for an attribute of the resource to be one of some values."""
    return lambda seen, values: getattr(seen.resource, attribute) in values


def is_(attribute: str) -> Callable[[Seen, Any], bool]:
    """Ask for an attribute of the resource to be a value."""
    return lambda seen, value: getattr(seen.resource, attribute) == value


def like(kind: type, rules: Rules) -> Callable[[Seen, Any], bool]:
    """Ask for the type of the resource, and what its detail is like."""
    return lambda seen, asked: isinstance(seen.detail, kind) and holds(rules, seen, asked)


def detail_has(attribute: str) -> Callable[[Seen, Any], bool]:
    """Ask for an attribute of the detail to be one of some values."""
    return lambda seen, values: getattr(seen.detail, attribute) in values


def detail_is(attribute: str) -> Callable[[Seen, Any], bool]:
    """Ask for an attribute of the detail to be a value."""
    return lambda seen, value: getattr(seen.detail, attribute) == value


def detail_within(attribute: str) -> Callable[[Seen, Any], bool]:
    """Ask for an attribute of the detail, a number, to be in a range."""
    return lambda seen, asked: holds(INT_RANGE, getattr(seen.detail, attribute), asked)


INSTANCE: Rules = {
    "family": detail_has("family"),
    "osType": detail_has("os_type"),
    "cpu": detail_within("cpu"),
    "ramGb": detail_within("ram_gb"),
    "diskGb": detail_within("disk_gb"),
    "ipAddress": Seen.has_address,
    "hasBackup": lambda seen, value: (seen.detail.backup_policy is not None) is value,
    "recovery": detail_is("recovery"),
    "patchingGroup": detail_has("patching_group"),
    "patchingExcluded": detail_is("patching_excluded"),
}
LOAD_BALANCER: Rules = {
    "protocol": detail_has("protocol"),
    "port": detail_within("port"),
    "domain": detail_has("domain"),
    "redirectToHttps": detail_is("redirect_to_https"),
}
OBJECT_STORE: Rules = {
    "geoReplicated": detail_is("geo_replicated"),
    "quotaGb": detail_within("quota_gb"),
}
KUBERNETES_CLUSTER: Rules = {
    "kubernetesVersion": lambda seen, asked: holds(STRING, seen.detail.kubernetes_version, asked),
    "ingress": detail_has("ingress"),
    "highAvailability": detail_is("high_availability"),
}
RESOURCE: Rules = {
    "and": lambda seen, parts: all(holds(RESOURCE, seen, part) for part in parts),
    "or": lambda seen, parts: any(holds(RESOURCE, seen, part) for part in parts),
    "not": lambda seen, part: not holds(RESOURCE, seen, part),
    "type": has("type"),
    "status": has("status"),
    "environment": has("environment"),
    "name": lambda seen, asked: holds(STRING, seen.resource.name, asked),
    # A resource may lie in several places; any of them will do.
    "region": lambda seen, codes: not seen.regions.isdisjoint(codes),
    "dataCenter": lambda seen, codes: not set(seen.resource.data_centers).isdisjoint(codes),
    "availabilityZone": lambda seen, codes: not set(seen.resource.availability_zones).isdisjoint(codes),
    # An id of something else, or of nothing, is an id that no resource belongs to.
    "organization": lambda seen, ids: global_id("Organization", seen.resource.organization_id) in ids,
    "cloud": lambda seen, ids: global_id("Cloud", seen.resource.cloud_id) in ids,
    "service": lambda seen, ids: global_id("Service", seen.resource.service_id) in ids,
    "monitoringEnabled": is_("monitoring_enabled"),
    "onCall": is_("on_call"),
    "supportLevel": has("support_level"),
    "supportPhase": has("support_phase"),
    "vlan": lambda seen, vlans: seen.network is not None and seen.network.vlan in vlans,
    "area": lambda seen, codes: seen.area is not None and seen.area in codes,
    "ipAddress": Seen.has_address,
    "createdAt": lambda seen, asked: holds(TIME_RANGE, seen.resource.created_at, asked),
    "updatedAt": lambda seen, asked: holds(TIME_RANGE, seen.resource.updated_at, asked),
    "tags": lambda seen, asked: holds(TAGS, seen.resource.tags, asked),
    "tagQuery": lambda seen, queries: all(tag_query(seen.resource.tags, query) for query in queries),
    "instance": like(Instance, INSTANCE),
    "loadBalancer": like(LoadBalancer, LOAD_BALANCER),
    "objectStore": like(ObjectStore, OBJECT_STORE),
    "kubernetesCluster": like(KubernetesCluster, KUBERNETES_CLUSTER),
}


def select(world: World, resources: Sequence[Resource], asked: Json | None) -> list[Resource]:
    """Give those of some resources that a filter selects."""
    return [resource for resource in resources if holds(RESOURCE, Seen(world, resource), asked)]


def resource_id(resource: Resource) -> str:
    """Give the id of a resource in the graph."""
    return global_id(RESOURCE_TYPES[resource.type], resource.id)


# -- Services and operations -----------------------------------------------------------------------------------------

SERVICE: Rules = {
    "name": lambda service, asked: holds(STRING, service.name, asked),
    "cloud": lambda service, ids: global_id("Cloud", service.cloud_id) in ids,
    "organization": lambda service, ids: global_id("Organization", service.organization_id) in ids,
}
OPERATION: Rules = {
    "action": lambda operation, actions: operation.action in actions,
    "status": lambda operation, statuses: operation.status in statuses,
    "cloud": lambda operation, ids: global_id("Cloud", operation.cloud_id) in ids,
    # The resource may be gone; its id was what it was.
    "resource": lambda operation, ids: (
        operation.resource_id is not None
        and global_id(RESOURCE_TYPES[operation.resource_type], operation.resource_id) in ids
    ),
    "submittedAt": lambda operation, asked: holds(TIME_RANGE, operation.submitted_at, asked),
}


def select_services(services: Sequence[Service], asked: Json | None) -> list[Service]:
    """Give those of some Services that a filter selects."""
    return [service for service in services if holds(SERVICE, service, asked)]


def select_operations(operations: Sequence[Operation], asked: Json | None) -> list[Operation]:
    """Give those of some operations that a filter selects."""
    return [operation for operation in operations if holds(OPERATION, operation, asked)]


# -- orders ----------------------------------------------------------------------------------------------------------


def ordered(rows: Sequence[Any], keys: Sequence[Json] | None) -> list[Any]:
    """Sort rows by some keys, the first key first, by name if there are none.

    Texts go by code point, enums by name, and ties by id: by ascending UUID, or descending if the last key descends.
    """
    keys = keys or [{"field": "NAME"}]
    directed = [(key["field"].lower(), key.get("direction") == "DESC") for key in keys]
    directed.append(("id", directed[-1][1]))
    listed = list(rows)
    for attribute, descending in reversed(directed):
        # Sorting is stable: what was sorted by a later key stays so within equal values of an earlier one.
        listed.sort(key=lambda row: getattr(row, attribute), reverse=descending)
    return listed


# -- facets ----------------------------------------------------------------------------------------------------------

MOST_VALUES = 100


def facet(world: World, resources: Sequence[Resource], by: Json) -> dict[str, Any]:
    """Count resources by one dimension: a resource with several places counts in each, one in none under null."""
    counts: dict[str | None, int] = {}
    labels: dict[str | None, str] = {}
    for resource in resources:
        for value, label in _values(world, resource, by):
            counts[value] = counts.get(value, 0) + 1
            if label is not None:
                labels[value] = label
    # The most frequent first; of those equally frequent, by value, null last.
    ranked = sorted(counts, key=lambda value: (-counts[value], value is None, value or ""))
    return {
        "dimension": by["field"] if "field" in by else f"tag:{by['tag']}",
        "values": [
            {"value": value, "label": labels.get(value), "count": counts[value]} for value in ranked[:MOST_VALUES]
        ],
        "hasMore": len(ranked) > MOST_VALUES,
    }


def _values(world: World, resource: Resource, by: Json) -> list[tuple[str | None, str | None]]:
    """Give the values of a resource in a dimension, each with its label if it is an id."""
    if "tag" in by:
        return [(resource.tags.get(by["tag"]), None)]
    places = {
        "REGION": sorted(Seen(world, resource).regions),
        "DATA_CENTER": resource.data_centers,
        "AVAILABILITY_ZONE": resource.availability_zones,
    }
    match by["field"]:
        case "CLOUD":
            cloud = world.clouds[resource.cloud_id]
            return [(global_id("Cloud", cloud.id), cloud.name)]
        case "SERVICE":
            service = world.services[resource.service_id]
            return [(global_id("Service", service.id), service.name)]
        case "REGION" | "DATA_CENTER" | "AVAILABILITY_ZONE" as field:
            return [(code, None) for code in places[field]] or [(None, None)]
        case field:
            return [(getattr(resource, field.lower()), None)]
