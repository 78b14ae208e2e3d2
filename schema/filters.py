"""Filters as clients write them, and what they mean as predicates.

Fields side by side all hold. A field that is absent or null asks nothing; an empty list of values matches nothing; an
empty object matches everything.
"""

from collections.abc import Iterable
from typing import Self

import strawberry
from strawberry import ID, UNSET

from auth.errors import BadUserInput, LimitExceeded
from resolvers.reads.predicates import All, AnyOf, Exists, In, Match, Not, Predicate, Text, size
from schema.conditions import (
    DateTimeRange,
    IntRange,
    StringFilter,
    addresses,
    among,
    asked,
    flag,
    given,
    keys_among,
)
from schema.enums import OsType, ResourceStatus, ResourceType, SupportPhase

MOST_CONDITIONS = 200
DEEPEST = 10


@strawberry.input(description="A tag: its key and, if asked, its value.")
class TagMatch:
    """A tag with a key and, if asked, a value."""

    key: str = strawberry.field(description="The key.")
    value: str | None = asked("The value is exactly this.")
    values: list[str] | None = asked("The value is one of these.")
    value_starts_with: str | None = asked("The value starts with this.")

    def predicate(self) -> Predicate:
        """Say what it means for a resource."""
        parts: list[Predicate] = [In("key", (self.key,))]
        if self.value is not UNSET and self.value is not None:
            parts.append(In("value", (self.value,)))
        parts += among("value", self.values)
        if self.value_starts_with is not UNSET and self.value_starts_with is not None:
            parts.append(Text("value", Match.STARTS_WITH, self.value_starts_with))
        return Exists("tag", All(tuple(parts)))


@strawberry.input(description="What tags a resource has. Operators side by side all hold.")
class TagFilter:
    """What tags a resource has."""

    all: list[TagMatch] | None = asked("It has all of these.")
    any: list[TagMatch] | None = asked("It has at least one of these.")
    none: list[TagMatch] | None = asked("It has none of these.")
    has_keys: list[str] | None = asked("It has a tag of each of these keys.")
    missing_keys: list[str] | None = asked("It has no tag of any of these keys.")

    def predicate(self) -> Predicate:
        """Say what it means for a resource."""
        parts = [match.predicate() for match in self.all or ()]
        if given(self.any):
            parts.append(AnyOf(tuple(match.predicate() for match in self.any or ())))
        parts += [Not(match.predicate()) for match in self.none or ()]
        parts += [Exists("tag", In("key", (key,))) for key in self.has_keys or ()]
        parts += [Not(Exists("tag", In("key", (key,)))) for key in self.missing_keys or ()]
        return All(tuple(parts))


@strawberry.input(description="What an instance is like; a resource of another type does not match.")
class InstanceFilter:
    """What an instance is like."""

    family: list[str] | None = asked("The family of its operating system is one of these, like DEBIAN.")
    os_type: list[OsType] | None = asked("The kind of its operating system is one of these.")
    cpu: IntRange | None = asked("Its virtual CPUs.")
    ram_gb: IntRange | None = asked("Its RAM, in GB.")
    disk_gb: IntRange | None = asked("Its disks together, in GB.")
    ip_address: list[str] | None = asked("It has one of these IP addresses.")
    has_backup: bool | None = asked("Whether it has a backup policy.")
    recovery: bool | None = asked("Whether it is part of disaster recovery.")
    patching_group: list[str] | None = asked("Its patching group is one of these.")
    patching_excluded: bool | None = asked("Whether it is excluded from patching.")

    def predicate(self) -> Predicate:
        """Say what it means for a resource."""
        parts = among("family", self.family) + among("os_type", self.os_type)
        for name, range_ in (("cpu", self.cpu), ("ram_gb", self.ram_gb), ("disk_gb", self.disk_gb)):
            if range_:
                parts.append(range_.predicate(name))
        if self.has_backup is not UNSET and self.has_backup is not None:
            kept: Predicate = Text("backup_policy", Match.STARTS_WITH, "")
            parts.append(kept if self.has_backup else Not(kept))
        parts += flag("recovery", self.recovery)
        parts += among("patching_group", self.patching_group) + flag("patching_excluded", self.patching_excluded)
        found = addresses(self.ip_address, argument="filter.instance.ipAddress")
        return All((Exists("instance", All(tuple(parts))), *found))


@strawberry.input(description="What a load balancer is like; a resource of another type does not match.")
class LoadBalancerFilter:
    """What a load balancer is like."""

    protocol: list[str] | None = asked("Its protocol is one of these, like HTTPS.")
    port: IntRange | None = asked("Its port.")
    domain: list[str] | None = asked("Its domain is one of these.")
    redirect_to_https: bool | None = asked("Whether it redirects HTTP to HTTPS.")

    def predicate(self) -> Predicate:
        """Say what it means for a resource."""
        parts = among("protocol", self.protocol) + among("domain", self.domain)
        if self.port:
            parts.append(self.port.predicate("port"))
        return Exists("load_balancer", All((*parts, *flag("redirect_to_https", self.redirect_to_https))))


@strawberry.input(description="What an object store is like; a resource of another type does not match.")
class ObjectStoreFilter:
    """What an object store is like."""

    geo_replicated: bool | None = asked("Whether it is replicated to another data center.")
    quota_gb: IntRange | None = asked("Its quota, in GB.")

    def predicate(self) -> Predicate:
        """Say what it means for a resource."""
        parts = flag("geo_replicated", self.geo_replicated)
        if self.quota_gb:
            parts.append(self.quota_gb.predicate("quota_gb"))
        return Exists("object_store", All(tuple(parts)))


@strawberry.input(description="What a Kubernetes cluster is like; a resource of another type does not match.")
class KubernetesClusterFilter:
    """What a Kubernetes cluster is like."""

    kubernetes_version: StringFilter | None = asked("Its version of Kubernetes.")
    ingress: list[str] | None = asked("Its ingress controller is one of these, like NGINX.")
    high_availability: bool | None = asked("Whether it spans two data centers.")

    def predicate(self) -> Predicate:
        """Say what it means for a resource."""
        parts = among("ingress", self.ingress) + flag("high_availability", self.high_availability)
        if self.kubernetes_version:
            parts.append(self.kubernetes_version.predicate("kubernetes_version"))
        return Exists("kubernetes_cluster", All(tuple(parts)))


@strawberry.input(
    description="Which resources. Fields side by side all hold; one that is absent or null asks nothing, an empty list"
    " of values matches nothing, {} matches everything. Texts compare exactly unless the operator says otherwise."
)
class ResourceFilter:
    """Which resources."""

    and_: list[Self] | None = asked("All of these hold.", name="and")
    or_: list[Self] | None = asked("At least one of these holds.", name="or")
    not_: Self | None = asked("This does not hold.", name="not")
    type: list[ResourceType] | None = asked("Its type is one of these.")
    status: list[ResourceStatus] | None = asked("Its status is one of these.")
    environment: list[str] | None = asked("Its environment is one of these, by code.")
    name: StringFilter | None = asked("Its name.")
    region: list[str] | None = asked("It is in one of these regions, by code.")
    data_center: list[str] | None = asked("It is in one of these data centers, by code.")
    availability_zone: list[str] | None = asked("It is in one of these availability zones, by code.")
    organization: list[ID] | None = asked("It belongs to one of these organizations.")
    cloud: list[ID] | None = asked("It is in one of these Clouds.")
    service: list[ID] | None = asked("It is in one of these Services.")
    monitoring_enabled: bool | None = asked("Whether it is monitored.")
    on_call: bool | None = asked("Whether somebody is on call for it, day and night.")
    support_level: list[str] | None = asked("Its support level is one of these.")
    support_phase: list[SupportPhase] | None = asked("Its product is in one of these phases.")
    vlan: list[int] | None = asked("Its network has one of these VLANs.")
    area: list[str] | None = asked("Its network is in one of these areas, by code.")
    ip_address: list[str] | None = asked("It has one of these IP addresses.")
    created_at: DateTimeRange | None = asked("When it was created.")
    updated_at: DateTimeRange | None = asked("When it last changed.")
    tags: TagFilter | None = asked("Its tags.")
    tag_query: list[str] | None = asked('Its tags as ITCare spells them: "key:value", "!key:value"; all must hold.')
    instance: InstanceFilter | None = asked("It is an instance like this.")
    load_balancer: LoadBalancerFilter | None = asked("It is a load balancer like this.")
    object_store: ObjectStoreFilter | None = asked("It is an object store like this.")
    kubernetes_cluster: KubernetesClusterFilter | None = asked("It is a Kubernetes cluster like this.")

    def predicate(self, depth: int = 1) -> Predicate:
        """Say what it means for a resource; raises BadUserInput or LimitExceeded."""
        if depth > DEEPEST:
            raise LimitExceeded(
                f"The filter is nested deeper than {DEEPEST} levels.",
                limit="filterDepth",
                value=depth,
                maximum=DEEPEST,
            )
        parts = [*self._combined(depth), *self._own(), *self._placed(), *self._typed()]
        predicate = All(tuple(parts))
        if depth == 1 and (conditions := size(predicate)) > MOST_CONDITIONS:
            raise LimitExceeded(
                f"The filter has {conditions} conditions; at most {MOST_CONDITIONS} are compared.",
                limit="filterConditions",
                value=conditions,
                maximum=MOST_CONDITIONS,
            )
        return predicate

    def _combined(self, depth: int) -> Iterable[Predicate]:
        for part in self.and_ or ():
            yield part.predicate(depth + 1)
        if given(self.or_):
            yield AnyOf(tuple(part.predicate(depth + 1) for part in self.or_ or ()))
        if self.not_:
            yield Not(self.not_.predicate(depth + 1))

    def _own(self) -> Iterable[Predicate]:
        yield from among("type", self.type)
        yield from among("status", self.status)
        yield from among("environment", self.environment)
        yield from among("support_level", self.support_level)
        yield from among("support_phase", self.support_phase)
        yield from flag("monitoring_enabled", self.monitoring_enabled)
        yield from flag("on_call", self.on_call)
        if self.name:
            yield self.name.predicate("name")
        for field, range_ in (("created_at", self.created_at), ("updated_at", self.updated_at)):
            if range_:
                yield range_.predicate(field)
        if self.tags:
            yield self.tags.predicate()
        for query in self.tag_query or ():
            yield _tag_query(query)

    def _placed(self) -> Iterable[Predicate]:
        for field, codes in (
            ("region_code", self.region),
            ("data_center_code", self.data_center),
            ("availability_zone_code", self.availability_zone),
        ):
            yield from (Exists("placement", part) for part in among(field, codes))
        yield from keys_among("organization", self.organization, "Organization", argument="filter.organization")
        yield from keys_among("cloud", self.cloud, "Cloud", argument="filter.cloud")
        yield from keys_among("service", self.service, "Service", argument="filter.service")
        yield from (Exists("network", part) for part in (*among("vlan", self.vlan), *among("area", self.area)))
        yield from addresses(self.ip_address, argument="filter.ipAddress")

    def _typed(self) -> Iterable[Predicate]:
        for detail in (self.instance, self.load_balancer, self.object_store, self.kubernetes_cluster):
            if detail:
                yield detail.predicate()


@strawberry.input(description="Which Services. Fields side by side all hold.")
class ServiceFilter:
    """Which Services."""

    name: StringFilter | None = asked("Its name.")
    cloud: list[ID] | None = asked("It is in one of these Clouds.")
    organization: list[ID] | None = asked("It belongs to one of these organizations.")

    def predicate(self) -> Predicate:
        """Say what it means for a Service."""
        parts = [self.name.predicate("name")] if self.name else []
        parts += keys_among("cloud", self.cloud, "Cloud", argument="filter.cloud")
        return All(
            (*parts, *keys_among("organization", self.organization, "Organization", argument="filter.organization"))
        )


def _tag_query(query: str) -> Predicate:
    key, colon, value = query.removeprefix("!").partition(":")
    if not colon or not key:
        raise BadUserInput('A tag query is "key:value" or "!key:value".', argument="filter.tagQuery")
    tagged = Exists("tag", All((In("key", (key,)), In("value", (value,)))))
    return Not(tagged) if query.startswith("!") else tagged
