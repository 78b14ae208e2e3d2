"""Whatever is asked for in whatever order, Kubernetes clusters, their nodes and namespaces are as the rules have it."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from resolvers.commands import cluster_nodes as nodes
from resolvers.commands import clusters, namespaces
from resolvers.commands.cluster_nodes import Asked
from resolvers.commands.clusters import NewCluster
from resolvers.commands.namespaces import NewNamespace
from resolvers.commands.outcome import Outcome, UserError
from resolvers.commands.submission import Change
from resolvers.tables import IngressController
from tests.databases import Databases
from tests.gateway.commands.ideal_clusters import (
    ACTIVE,
    CENTERS,
    LARGEST_LIMIT,
    MOST_NODES,
    MOST_OF_A_KIND,
    IdealClusters,
    Kind,
    Request,
)
from tests.gateway.commands.stateful import EXAMPLES, Machine, hold_against_the_rules, pick

LABELS: Final = (
    "create-cluster", "create-cluster-nodes", "delete-cluster-nodes",
    "create-cluster-namespace", "delete-cluster-namespace",
)  # fmt: skip
FEW: Final = 3
"""So few of each that what is asked for meets what is being done."""
SYSTEM: Final = "kube-system"
KINDS: Final = st.builds(
    Kind,
    number=st.sampled_from([1, 1, 1, 2, 2, 3, 0, MOST_OF_A_KIND, MOST_OF_A_KIND + 1]),
    sizing=st.sampled_from(["2cpu4gb", "2cpu4gb", "4cpu8gb", "9cpu9gb"]),
    # EB-A is the group's.
    zone=st.sampled_from(["EB-HDS-A", "EB-HDS-A", "EB-HDS-B", "EB-HDS-C", "EB-HDS-C", "ET-HDS-A", "EB-A"]),
)
FEW_KINDS: Final = st.lists(
    st.builds(
        Kind, number=st.just(1), sizing=st.just("4cpu8gb"), zone=st.sampled_from(["EB-HDS-A", "EB-HDS-B", "EB-HDS-C"])
    ),
    min_size=1,
    max_size=2,
)


class Drawn(NamedTuple):
    """What is asked for, of what there is then."""

    label: str
    cluster: int
    name: str
    version: str
    spread: bool
    kinds: list[Kind]
    nodes: list[int]
    namespace: str
    cpu: int | None
    ram: int | None


DRAWN: Final = st.builds(
    Drawn,
    label=st.sampled_from(LABELS),
    cluster=st.integers(0, 5),
    name=st.sampled_from(["a", "b", "c", "d", "e", "f", "Ä"]),
    version=st.sampled_from(["1.33", *["1.34"] * 6, "0.9"]),
    spread=st.booleans(),
    kinds=FEW_KINDS | FEW_KINDS | st.lists(KINDS, max_size=3),
    nodes=st.lists(st.integers(0, 5), min_size=1, max_size=2) | st.lists(st.integers(0, 5), max_size=3),
    namespace=st.sampled_from([*["web", "db", "cache"] * 3, SYSTEM, "default", "a_b"]),
    cpu=st.sampled_from([*[None, 1, LARGEST_LIMIT] * 3, 0, LARGEST_LIMIT + 1]),
    ram=st.sampled_from([*[None, 4, LARGEST_LIMIT] * 3, -1, 2**31 - 1]),
)
FAILS: Final[st.SearchStrategy[dict[str, int]]] = (
    st.just({})
    | st.integers(0, 3).map(lambda position: dict.fromkeys(LABELS, position))
    | st.dictionaries(st.sampled_from(LABELS), st.integers(0, 3))
)
"""At the step of which position what has a label fails."""


class Clustering(Machine[Request]):
    """Asks for anything of clusters."""

    def __init__(self) -> None:
        super().__init__(IdealClusters())
        # Names are the machine's own: those of the others are still there.
        self.prefix = f"k{uuid4().hex[:8]}"
        self.ids: dict[str, UUID] = {}
        self.node_ids: dict[tuple[str, str], UUID] = {}
        self.namespace_ids: dict[tuple[str, str], UUID] = {}
        self.clusters: list[str] = []

    @property
    def ideal(self) -> IdealClusters:
        assert isinstance(self._ideal, IdealClusters)
        return self._ideal

    @initialize(spread=st.booleans(), kinds=st.tuples(FEW_KINDS, FEW_KINDS).map(lambda two: two[0] + two[1]))
    def there_is_a_cluster(self, spread: bool, kinds: list[Kind]) -> None:
        kinds = [kind._replace(zone="EB-HDS-C" if spread and index else "EB-HDS-A") for index, kind in enumerate(kinds)]
        name = f"{self.prefix}a"
        self.all_are_asked(
            [Request("create-cluster", uuid4().hex, name, "1.34", spread and len(kinds) > 1, tuple(kinds))]
        )
        self.ends({})

    @rule(drawn=DRAWN)
    def one_is_asked(self, drawn: Drawn) -> None:
        self.all_are_asked([self.request(drawn)])

    @rule(drawn=DRAWN, other=DRAWN)
    def two_are_asked_at_once(self, drawn: Drawn, other: Drawn) -> None:
        self.all_are_asked([self.request(drawn), self.request(other)])

    @rule(drawn=DRAWN, other=DRAWN, fails=FAILS)
    def two_are_asked_and_end(self, drawn: Drawn, other: Drawn, fails: dict[str, int]) -> None:
        self.one_is_asked(drawn)
        self.ends(fails)
        self.one_is_asked(other)
        self.ends({})

    @rule(fails=FAILS)
    def all_ends(self, fails: dict[str, int]) -> None:
        self.ends(fails)

    def request(self, drawn: Drawn) -> Request:
        """Ask for what was drawn, of what there is or was."""
        label, kinds = drawn.label, tuple(drawn.kinds)
        name = pick(self.clusters, drawn.cluster, self.ideal.clusters)
        cluster = self.ideal.clusters[name]
        if label == "create-cluster" and len(self.clusters) < FEW:
            kinds = tuple(kind._replace(number=2) if kind.number == MOST_OF_A_KIND else kind for kind in kinds)
            return Request(label, uuid4().hex, f"{self.prefix}{drawn.name}", drawn.version, drawn.spread, kinds)
        if label in ("create-cluster", "create-cluster-nodes"):
            if any(kind.number == MOST_OF_A_KIND for kind in kinds):
                # As many as a cluster can have, and so more than this one can get: they would take their time.
                kinds = (next(kind for kind in kinds if kind.number == MOST_OF_A_KIND),) * (
                    MOST_NODES // MOST_OF_A_KIND
                )
            return Request("create-cluster-nodes", name, kinds=kinds)
        if label == "delete-cluster-nodes":
            there = [*cluster.nodes, "one that is not there"]
            return Request(label, name, nodes=tuple(there[number % len(there)] for number in drawn.nodes))
        return Request(label, name, drawn.namespace, cpu=drawn.cpu, ram=drawn.ram)

    def check(self, asked: Request) -> Sequence[UserError]:
        match asked.label:
            case "create-cluster":
                return clusters.check_cluster(_new_cluster(asked))
            case "create-cluster-nodes":
                return nodes.check_nodes(_nodes(asked))
            case "delete-cluster-nodes":
                return nodes.check_ids(self.keys(asked))
            case "create-cluster-namespace":
                return namespaces.check_namespace(NewNamespace(asked.name, asked.cpu, asked.ram))
        return ()

    def keys(self, asked: Request) -> list[UUID]:
        return [self.node_ids.get((asked.resource, name), UUID(int=0)) for name in asked.nodes]

    def change(self, asked: Request) -> Change:
        id_ = self.ids.get(asked.resource, UUID(int=0))
        match asked.label:
            case "create-cluster":
                return clusters.create_cluster(self.platform.shop.shop, _new_cluster(asked), "ann")
            case "create-cluster-nodes":
                return nodes.create_nodes(id_, _nodes(asked), None)
            case "delete-cluster-nodes":
                return nodes.delete_nodes(id_, self.keys(asked), None)
            case "create-cluster-namespace":
                return namespaces.create_namespace(id_, NewNamespace(asked.name, asked.cpu, asked.ram), None)
        namespace_id = self.namespace_ids.get((asked.resource, asked.name), UUID(int=0))
        return namespaces.delete_namespace(namespace_id, None)

    def know(self, asked: Request, resource_id: UUID, _outcome: Outcome) -> None:
        if asked.label != "create-cluster":
            return
        self.ids[asked.resource] = resource_id
        self.clusters.append(asked.resource)
        # What a cluster has for itself, as an import brings it.
        self.rows(
            "INSERT INTO namespace (organization_id, cloud_id, id, resource_id, name)"
            " SELECT organization_id, cloud_id, gen_random_uuid(), id, $2 FROM resource WHERE id = $1",
            resource_id,
            SYSTEM,
        )
        self.ideal.clusters[asked.resource].namespaces[SYSTEM] = (None, None)

    def compare(self) -> None:
        names = {id_: name for name, id_ in self.ids.items()}
        found = self.rows("SELECT * FROM resource WHERE name LIKE $1", f"{self.prefix}%")
        assert {names[row["id"]]: (row["name"], row["status"]) for row in found} == {
            name: (cluster.name, cluster.status) for name, cluster in self.ideal.clusters.items()
        }
        rows = self.rows("SELECT * FROM cluster_node WHERE resource_id = ANY($1)", list(names))
        self.node_ids = {(names[row["resource_id"]], row["name"]): row["id"] for row in rows}
        assert {
            (names[row["resource_id"]], row["name"]): (
                row["sizing_code"], row["availability_zone_code"], row["is_ingress"], row["status"],
            )
            for row in rows
        } == {
            (name, key): (node.sizing, node.zone, node.is_ingress, node.status)
            for name, cluster in self.ideal.clusters.items()
            for key, node in cluster.nodes.items()
        }  # fmt: skip
        rows = self.rows("SELECT * FROM namespace WHERE resource_id = ANY($1)", list(names))
        self.namespace_ids = {(names[row["resource_id"]], row["name"]): row["id"] for row in rows}
        assert {(names[row["resource_id"]], row["name"]): (row["cpu_limit"], row["ram_limit_gb"]) for row in rows} == {
            (name, key): limits
            for name, cluster in self.ideal.clusters.items()
            for key, limits in cluster.namespaces.items()
        }
        statement = "SELECT resource_id FROM operation WHERE status = 'IN_PROGRESS' AND resource_id = ANY($1)"
        assert {names[id_] for (id_,) in self.rows(statement, list(names))} == set(self.ideal.open)
        for row in found:
            cluster = self.ideal.clusters[names[row["id"]]]
            if cluster.status == ACTIVE:
                zones = {node.zone for node in cluster.nodes.values()}
                assert set(row["availability_zones"]) == zones
                assert set(row["data_centers"]) == {CENTERS[zone] for zone in zones}
            looks = (cluster.status, cluster.nodes, cluster.namespaces)
            self.count_revision(names[row["id"]], looks, row["revision"])


def _nodes(asked: Request) -> tuple[Asked, ...]:
    return tuple(Asked(*kind) for kind in asked.kinds)


def _new_cluster(asked: Request) -> NewCluster:
    ingress = IngressController.NGINX
    return NewCluster(asked.name, asked.version, ingress, asked.spread, _nodes(asked), "production", ())


@pytest.mark.parametrize("examples", EXAMPLES)
def test_clusters_their_nodes_and_namespaces_are_as_the_rules_have_it(databases: Databases, examples: int) -> None:
    hold_against_the_rules(databases, Clustering, examples)
