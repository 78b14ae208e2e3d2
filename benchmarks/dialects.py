"""How each server is asked the queries, and its answers brought into one shape, so that they can be compared.

The common shape is that of the peers: integer ids, plain lists, one availability zone.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from benchmarks.data import content
from benchmarks.data.gateway_tables import Kind, key, number_of
from benchmarks.queries import TAG_FILTER_SIZE, Query, Scale, tag
from schema.ids import RESOURCE_TYPES, global_id


class Dialect(ABC):
    """The queries as one kind of server takes them."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale

    def variants(self, query: Query) -> int:
        """How many different variables a query can be asked with."""
        return self.scale.variants(query)

    @abstractmethod
    def body(self, query: Query, variant: int) -> bytes:
        """The body of a request."""

    def answer(self, body: bytes) -> Any:
        """The data of an answer, in the common shape.

        Raises:
            ValueError: there are errors in it, or it is no JSON.
        """
        parsed = json.loads(body)
        if "data" not in parsed or parsed.get("errors"):
            raise ValueError(f"the answer has errors: {body[:300].decode(errors='replace')}")
        return _common(parsed["data"])


class GatewayDialect(Dialect):
    """The gateway's own graph. Where a page begins is a cursor of its own making: `cursors` says one for each page."""

    cursors: Sequence[str | None] = (None,)

    def body(self, query: Query, variant: int) -> bytes:
        """The body of a request."""
        return _graphql(GATEWAY_DOCUMENTS[query], self._variables(query, variant))

    def page(self, after: str | None) -> bytes:
        """The body of a request for the page after a cursor."""
        return _graphql(GATEWAY_DOCUMENTS[Query.PAGE], {"first": self.scale.page_size, "after": after})

    def _variables(self, query: Query, variant: int) -> Mapping[str, Any]:
        match query:
            case Query.POINT:
                return {"id": resource_id(variant + 1)}
            case Query.DEEP:
                return {"id": global_id("Organization", key(Kind.ORGANIZATION, variant + 1))}
            case Query.TAG:
                tag_key, value = tag(variant)
                return {"first": TAG_FILTER_SIZE, "key": tag_key, "value": value}
            case Query.PAGE:
                return {"first": self.scale.page_size, "after": self.cursors[variant % len(self.cursors)]}


class PeerDialect(Dialect):
    """A peer's graph, of integer ids: a page begins after a resource's number."""

    def __init__(self, scale: Scale, documents: Mapping[Query, str]) -> None:
        super().__init__(scale)
        self._documents = documents

    def body(self, query: Query, variant: int) -> bytes:
        """The body of a request."""
        return _graphql(self._documents[query], variables(self.scale, query, variant))


class SqlDialect(Dialect):
    """The limit: the query's name, and the values of its statement."""

    def body(self, query: Query, variant: int) -> bytes:
        """The body of a request."""
        values = list(variables(self.scale, query, variant).values())
        return json.dumps({"query": str(query), "values": values}).encode()


def variables(scale: Scale, query: Query, variant: int) -> dict[str, Any]:
    """The variables of a query for servers whose ids are numbers."""
    match query:
        case Query.POINT | Query.DEEP:
            return {"id": variant + 1}
        case Query.TAG:
            tag_key, value = tag(variant)
            return {"key": tag_key, "value": value, "first": TAG_FILTER_SIZE}
        case Query.PAGE:
            return {"after": variant * scale.page_size, "first": scale.page_size}


def resource_id(number: int) -> str:
    """The gateway's id of a resource."""
    type_ = content.TYPES[number % len(content.TYPES)]
    return global_id(RESOURCE_TYPES[type_], key(Kind.RESOURCE, number))


GATEWAY_DOCUMENTS: Final = {
    Query.POINT: """query Point($id: ID!) { resource(id: $id) {
        id name service { name cloud { name organization { name } } } tags { key value }
        availabilityZones { code dataCenter { code region { code } } } } }""",
    Query.DEEP: """query Deep($id: ID!) { organization(id: $id) { id name clouds(first: 10) { nodes { id name
        services(first: 20) { nodes { id name
          resources(first: 10) { nodes { id name status environment tags { key value } } } } } } } } }""",
    Query.TAG: """query Tag($first: Int!, $key: String!, $value: String!) {
        resources(first: $first, filter: {tags: {all: [{key: $key, value: $value}]}}) { nodes {
          id name status environment service { name cloud { name } } tags { key value } } } }""",
    Query.PAGE: """query Page($first: Int!, $after: String) { resources(first: $first, after: $after) { nodes {
          id name type status environment createdAt availabilityZones { code } service { name } tags { key value } }
        pageInfo { endCursor hasNextPage } } }""",
}

MERCURIUS_DOCUMENTS: Final = {
    Query.POINT: """query Point($id: Int!) { resource(id: $id) {
        id name service { name cloud { name organization { name } } } tags { key value }
        availabilityZone { code dataCenter { code region { code } } } } }""",
    Query.DEEP: """query Deep($id: Int!) { organization(id: $id) { id name clouds { id name
        services(first: 20) { id name resources(first: 10) { id name status environment tags { key value } } } } } }""",
    Query.TAG: """query Tag($key: String!, $value: String!, $first: Int!) {
        resources(first: $first, tagKey: $key, tagValue: $value) {
          id name status environment service { name cloud { name } } tags { key value } } }""",
    Query.PAGE: """query Page($after: Int!, $first: Int!) { resources(first: $first, after: $after) {
        id name type status environment createdAt availabilityZone { code } service { name } tags { key value } } }""",
}


def _postgraphile_documents() -> dict[Query, str]:
    """PostGraphile names fields after tables and keys; aliases give the answers the names that the others have."""
    tags = "tags: resourceTagsByResourceIdList(orderBy: [ROW_ID_ASC]) { key value }"
    zone = "availabilityZone: availabilityZoneByAvailabilityZoneId"
    center, region = "dataCenter: dataCenterByDataCenterId", "region: regionByRegionId"
    service, cloud = "service: serviceByServiceId", "cloud: cloudByCloudId"
    return {
        Query.POINT: f"""query Point($id: Int!) {{ resource: resourceByRowId(rowId: $id) {{ id: rowId name
            {service} {{ name {cloud} {{ name organization: organizationByOrganizationId {{ name }} }} }}
            {tags} {zone} {{ code {center} {{ code {region} {{ code }} }} }} }} }}""",
        Query.DEEP: f"""query Deep($id: Int!) {{ organization: organizationByRowId(rowId: $id) {{ id: rowId name
            clouds: cloudsByOrganizationIdList(orderBy: [ROW_ID_ASC]) {{ id: rowId name
              services: servicesByCloudIdList(first: 20, orderBy: [ROW_ID_ASC]) {{ id: rowId name
                resources: resourcesByServiceIdList(first: 10, orderBy: [ROW_ID_ASC]) {{
                  id: rowId name status environment {tags} }} }} }} }} }}""",
        Query.TAG: f"""query Tag($key: String!, $value: String!, $first: Int!) {{
            resources: resourcesByTagList(k: $key, v: $value, first: $first) {{
              id: rowId name status environment {service} {{ name {cloud} {{ name }} }} {tags} }} }}""",
        Query.PAGE: f"""query Page($after: Int!, $first: Int!) {{
            resources: resourcesAfterList(afterId: $after, first: $first) {{ id: rowId name type status environment
              createdAt {zone} {{ code }} {service} {{ name }} {tags} }} }}""",
    }


POSTGRAPHILE_DOCUMENTS: Final = _postgraphile_documents()


def _graphql(document: str, values: Mapping[str, Any]) -> bytes:
    return json.dumps({"query": " ".join(document.split()), "variables": values}).encode()


def _common(value: Any) -> Any:
    if isinstance(value, list):
        return [_common(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "nodes" in value:
        return _common(value["nodes"])
    shaped = {name: _FIELDS[name](item) if name in _FIELDS else _common(item) for name, item in value.items()}
    if "availabilityZones" in shaped:
        (shaped["availabilityZone"],) = shaped.pop("availabilityZones")
    return shaped


def _number(value: Any) -> int:
    """The number in an id: itself, or what is behind the gateway's."""
    return value if isinstance(value, int) else number_of(UUID(value.partition("_")[2]))


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


_FIELDS: Final[Mapping[str, Callable[[Any], Any]]] = {"id": _number, "createdAt": _moment}
