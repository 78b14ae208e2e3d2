"""The dataloaders of one operation, named Result-By-Key; each reads inside the operation's snapshot and scope."""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from sqlalchemy import Column

from auth.principal import Principal
from resolvers.loading import Loader
from resolvers.reads import accounts, lookups, proposals, rows, sources
from resolvers.reads.counts import SECONDS, Dimension, Facet, load_counts, load_facets
from resolvers.reads.pages import Page, PageQuery, Parent, load_pages
from resolvers.reads.predicates import Predicate
from resolvers.reads.relations import SMS_SUBSCRIPTION
from resolvers.reads.sources import ListOf, Source
from resolvers.reads.topology import Caller, Topologies, Topology
from resolvers.snapshot import Snapshot


class ById:
    """A loader of the rows of a source by their id or another unique column, made when it is first asked for."""

    def __init__(
        self,
        of: Source[Any],
        column: Column[Any] | None = None,
        known: Callable[[Principal], Mapping[UUID, Any]] | None = None,
    ) -> None:
        self._of = of
        self._column = of.id if column is None else column
        self._known = known

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, loaders: "Loaders", owner: type) -> Loader[UUID, Any]:
        read = partial(lookups.rows_by_key, loaders.snapshot, loaders.principal.scope, self._of, self._column)
        loader: Loader[UUID, Any] = Loader(read, self._known(loaders.principal) if self._known else None)
        # From now on it is found on the instance, before this.
        vars(loaders)[self._name] = loader
        return loader


class Loaders:
    """What an operation reads through; born with it, so that nothing is shared between two callers.

    Each loader is made when it is first asked for: most operations need few of them.
    """

    # The caller's own organizations and Clouds came with the principal.
    organization_by_id = ById(sources.ORGANIZATIONS, known=lambda caller: caller.organizations_by_id)
    cloud_by_id = ById(sources.CLOUDS, known=lambda caller: caller.clouds_by_id)
    service_by_id = ById(sources.SERVICES)
    resource_by_id = ById(sources.RESOURCES)
    operation_by_id = ById(sources.OPERATIONS)
    snapshot_by_id = ById(sources.SNAPSHOTS)
    dns_alias_by_id = ById(sources.DNS_ALIASES)
    load_balancer_member_by_id = ById(sources.LOAD_BALANCER_MEMBERS)
    object_store_user_by_id = ById(sources.OBJECT_STORE_USERS)
    namespace_by_id = ById(sources.NAMESPACES)
    cluster_node_by_id = ById(sources.CLUSTER_NODES)
    maintenance_by_id = ById(sources.MAINTENANCES)
    indicator_by_id = ById(sources.INDICATORS)
    sms_subscription_by_id = ById(sources.SMS_SUBSCRIPTIONS)
    cloud_request_by_id = ById(proposals.CLOUD_REQUESTS)
    profile_proposal_by_id = ById(proposals.PROFILE_PROPOSALS)
    account_by_id = ById(accounts.ACCOUNTS)
    account_request_by_id = ById(accounts.ACCOUNT_REQUESTS)
    client_credential_by_id = ById(accounts.CREDENTIALS)
    sms_subscription_by_service = ById(sources.SMS_SUBSCRIPTIONS, SMS_SUBSCRIPTION.c.service_id)

    def __init__(
        self, snapshot: Snapshot, caller: Caller, topologies: Topologies, *, count_seconds: float = SECONDS
    ) -> None:
        self.snapshot = snapshot
        self.principal = caller.principal
        self._topology_version = caller.topology_version
        self._topologies = topologies
        self._count_seconds = count_seconds
        self._pages: dict[str, Loader[tuple[Parent, PageQuery], Page]] = {}
        self._counts: dict[str, Loader[tuple[Parent, Predicate], int]] = {}
        self._facets: dict[str, Loader[tuple[Parent, tuple[Predicate, tuple[Dimension, ...]]], list[Facet]]] = {}

    @cached_property
    def resource_by_path(self) -> Loader[lookups.Path, rows.ResourceRow | None]:
        """Resources by where they stand."""
        return Loader(partial(lookups.resources_by_path, self.snapshot, self.principal.scope))

    @cached_property
    def detail_by_resource(self) -> Loader[lookups.ResourceKey, rows.ResourceDetail | None]:
        """What lists do not show of resources, by their id and type."""
        return Loader(partial(lookups.details_by_resource, self.snapshot, self.principal.scope))

    @cached_property
    def account_state_by_id(self) -> Loader[UUID, accounts.AccountState]:
        """How accounts stand, as far as the caller may be told."""
        return Loader(partial(accounts.states_of, self.snapshot.fetch))

    @cached_property
    def identities_by_account(self) -> Loader[UUID, list[accounts.IdentityRow]]:
        """What foreign issuers call people, for the platform."""
        return Loader(partial(accounts.identities_of, self.snapshot.fetch, self.principal.scope))

    @cached_property
    def topology(self) -> Loader[str, Topology]:
        """Every region, data center and zone, under the one key "all"."""
        kept = self._topologies.kept(self._topology_version)
        read = partial(self._topologies.load, self.snapshot, self._topology_version)
        return Loader(read, None if kept is None else {"all": kept})

    def page_by_list(self, of: ListOf[Any]) -> Loader[tuple[Parent, PageQuery], Page]:
        """Pages of one list of the graph, by parent and arguments."""
        if of.name not in self._pages:
            self._pages[of.name] = Loader(partial(load_pages, self.snapshot, self.principal.scope, of))
        return self._pages[of.name]

    def count_by_list(self, of: ListOf[Any]) -> Loader[tuple[Parent, Predicate], int]:
        """Counts of one list of the graph, by parent and filter."""
        if of.name not in self._counts:
            read = partial(load_counts, self.snapshot, self.principal.scope, of, seconds=self._count_seconds)
            self._counts[of.name] = Loader(read)
        return self._counts[of.name]

    def facets_by_list(
        self, of: ListOf[Any]
    ) -> Loader[tuple[Parent, tuple[Predicate, tuple[Dimension, ...]]], list[Facet]]:
        """Facets of one list of the graph, by parent, filter and dimensions."""
        if of.name not in self._facets:
            read = partial(load_facets, self.snapshot, self.principal.scope, of, seconds=self._count_seconds)
            self._facets[of.name] = Loader(read)
        return self._facets[of.name]
