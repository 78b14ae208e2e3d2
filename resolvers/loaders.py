"""The dataloaders of one operation, named Result-By-Key; each reads inside the operation's snapshot and scope."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Column

from auth.principal import Principal
from resolvers.loading import Loader
from resolvers.reads import lookups, rows, sources
from resolvers.reads.counts import SECONDS, Dimension, Facet, load_counts, load_facets
from resolvers.reads.pages import Page, PageQuery, Parent, load_pages
from resolvers.reads.predicates import Predicate
from resolvers.reads.sources import ListOf, Source
from resolvers.snapshot import Snapshot

R = TypeVar("R")


class Loaders:
    """What an operation reads through; born with it, so that nothing is shared between two callers."""

    def __init__(self, snapshot: Snapshot, principal: Principal, *, count_seconds: float = SECONDS) -> None:
        self._snapshot = snapshot
        self._scope = principal.scope
        self._count_seconds = count_seconds
        self._pages: dict[str, Loader[tuple[Parent, PageQuery], Page]] = {}
        self._counts: dict[str, Loader[tuple[Parent, Predicate], int]] = {}
        self._facets: dict[str, Loader[tuple[Parent, tuple[Predicate, tuple[Dimension, ...]]], list[Facet]]] = {}

        self.organization_by_id = self._by_id(sources.ORGANIZATIONS)
        self.cloud_by_id = self._by_id(sources.CLOUDS)
        self.service_by_id = self._by_id(sources.SERVICES)
        self.resource_by_id = self._by_id(sources.RESOURCES)
        self.operation_by_id = self._by_id(sources.OPERATIONS)
        self.snapshot_by_id = self._by_id(sources.SNAPSHOTS)
        self.dns_alias_by_id = self._by_id(sources.DNS_ALIASES)
        self.load_balancer_member_by_id = self._by_id(sources.LOAD_BALANCER_MEMBERS)
        self.object_store_user_by_id = self._by_id(sources.OBJECT_STORE_USERS)
        self.namespace_by_id = self._by_id(sources.NAMESPACES)
        self.cluster_node_by_id = self._by_id(sources.CLUSTER_NODES)
        self.maintenance_by_id = self._by_id(sources.MAINTENANCES)
        self.indicator_by_id = self._by_id(sources.INDICATORS)
        self.sms_subscription_by_id = self._by_id(sources.SMS_SUBSCRIPTIONS)
        self.resource_by_path = Loader(self._scoped(lookups.resources_by_path))
        self.detail_by_resource = Loader(self._scoped(lookups.details_by_resource))
        self.sms_subscription_by_service = self._by(sources.SMS_SUBSCRIPTIONS, sources.SMS_SUBSCRIPTION.c.service_id)
        self.topology = Loader(partial(lookups.load_topologies, snapshot))

        # The caller's own organizations and Clouds came with the principal.
        for organization in principal.organizations:
            self.organization_by_id.prime(
                organization.id,
                rows.OrganizationRow(organization.id, organization.code, organization.name, organization.is_group),
            )
        for cloud in principal.clouds:
            self.cloud_by_id.prime(
                cloud.id, rows.CloudRow(cloud.organization_id, cloud.id, cloud.code, cloud.name, cloud.is_default)
            )

    def page_by_list(self, of: ListOf[Any]) -> Loader[tuple[Parent, PageQuery], Page]:
        """Pages of one list of the graph, by parent and arguments."""
        if of.name not in self._pages:
            self._pages[of.name] = Loader(partial(load_pages, self._snapshot, self._scope, of))
        return self._pages[of.name]

    def count_by_list(self, of: ListOf[Any]) -> Loader[tuple[Parent, Predicate], int]:
        """Counts of one list of the graph, by parent and filter."""
        if of.name not in self._counts:
            read = partial(load_counts, self._snapshot, self._scope, of, seconds=self._count_seconds)
            self._counts[of.name] = Loader(read)
        return self._counts[of.name]

    def facets_by_list(
        self, of: ListOf[Any]
    ) -> Loader[tuple[Parent, tuple[Predicate, tuple[Dimension, ...]]], list[Facet]]:
        """Facets of one list of the graph, by parent, filter and dimensions."""
        if of.name not in self._facets:
            read = partial(load_facets, self._snapshot, self._scope, of, seconds=self._count_seconds)
            self._facets[of.name] = Loader(read)
        return self._facets[of.name]

    def _by_id(self, of: Source[R]) -> Loader[UUID, R | None]:
        return self._by(of, of.id)

    def _by(self, of: Source[R], column: Column[Any]) -> Loader[UUID, R | None]:
        return Loader(partial(lookups.rows_by_key, self._snapshot, self._scope, of, column))

    def _scoped(self, read: Callable[..., Awaitable[Sequence[R]]]) -> Callable[[Sequence[Any]], Awaitable[Sequence[R]]]:
        return partial(read, self._snapshot, self._scope)
