"""The gateway asked by someone who sees little: what the width of a caller's scope costs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from benchmarks.data import content
from benchmarks.data.gateway_tables import ONE_CLOUD
from benchmarks.dialects import GatewayDialect
from benchmarks.queries import Query
from benchmarks.servers.plans import Site
from benchmarks.servers.process import Server

ONE_CLOUD_SERVER: Final = "gateway, one Cloud"


class OneCloudDialect(GatewayDialect):
    """The queries of a member of the first Cloud alone: what is elsewhere is not there for them."""

    def variants(self, query: Query) -> int:
        """How many different variables a query can be asked with."""
        match query:
            case Query.POINT:
                return self.scale.resources // content.SERVICES * content.SERVICES_PER_CLOUD
            case Query.DEEP | Query.PAGE:
                return 1
            case Query.TAG:
                return super().variants(query)

    def body(self, query: Query, variant: int) -> bytes:
        """The body of a request."""
        if query is Query.POINT:
            # Resources are dealt out to the Services of all Clouds, one by one, again and again.
            turn, service = divmod(variant, content.SERVICES_PER_CLOUD)
            variant = turn * content.SERVICES + service
        return super().body(query, variant)


def as_member_of_one_cloud(server: Server, site: Site) -> Server:
    """The same server, asked by someone else."""
    headers = {"Authorization": f"Bearer {site.token(ONE_CLOUD)}"}
    plan = replace(server.plan, name=ONE_CLOUD_SERVER, dialect=OneCloudDialect(site.scale), headers=headers)
    return replace(server, plan=plan)


def resources_seen(site: Site, queries: Sequence[Query]) -> dict[Query, int]:
    """How many resources the member of one Cloud gets in an answer."""
    in_cloud = site.scale.resources // content.CLOUDS
    return {
        query: min(in_cloud, {Query.DEEP: 10 * content.SERVICES_PER_CLOUD}.get(query, int(site.scale.rows(query))))
        for query in queries
    }
