"""What Kubernetes clusters should do: the rules of the actions, as they are agreed on, in plain Python.

Nothing of the product is used here but the words.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

ACTIVE, INACTIVE, PREPARATION = "ACTIVE", "INACTIVE", "PREPARATION"
CENTERS = {"EB-HDS-A": "EB4", "EB-HDS-B": "EB4", "EB-HDS-C": "EB5", "ET-HDS-A": "ET1"}
"""Of the zones that are open."""
SIZINGS = ("2cpu4gb", "4cpu8gb")
VERSIONS = ("1.33", "1.34")
MOST_OF_A_KIND, MOST_NODES, LARGEST_LIMIT = 50, 100, 1_000_000
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


class Kind(NamedTuple):
    """So many nodes of a size in a zone."""

    number: int
    sizing: str
    zone: str


class Request(NamedTuple):
    """What somebody asks for; `resource` is what the cluster is called here, since names can be given again."""

    label: str
    resource: str
    name: str = ""
    version: str = "1.34"
    spread: bool = False
    kinds: tuple[Kind, ...] = ()
    nodes: tuple[str, ...] = ()
    cpu: int | None = None
    ram: int | None = None


@dataclass
class Node:
    """A node of a cluster."""

    sizing: str
    zone: str
    is_ingress: bool
    status: str = PREPARATION


@dataclass
class Cluster:
    """A cluster, with its nodes and namespaces by their names."""

    name: str
    spread: bool
    status: str = PREPARATION
    nodes: dict[str, Node] = field(default_factory=dict)
    namespaces: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)

    def add(self, kinds: Iterable[Kind]) -> list[str]:
        """Add nodes, numbered on, the first of each data center as the way in; gives their names."""
        numbers = [int(name.rpartition("-")[2]) for name in self.nodes]
        entered = {CENTERS[node.zone] for node in self.nodes.values() if node.is_ingress}
        made = []
        for kind in kinds:
            for _ in range(kind.number):
                numbers.append(max(numbers, default=0) + 1)
                made.append(f"{self.name}-node-{numbers[-1]}")
                self.nodes[made[-1]] = Node(kind.sizing, kind.zone, CENTERS[kind.zone] not in entered)
                entered.add(CENTERS[kind.zone])
        return made


@dataclass
class Doing:
    """Something that is being done: the nodes of its steps, and what is put back after it."""

    asked: Request
    nodes: Sequence[str] = ()
    status: str = ""
    statuses: Mapping[str, str] = field(default_factory=dict)


@dataclass
class IdealClusters:
    """What there is."""

    clusters: dict[str, Cluster] = field(default_factory=dict)
    open: dict[str, Doing] = field(default_factory=dict)
    """What is being done, by the cluster that it is done to, in the order in which it was asked for."""

    def ask(self, asked: Request) -> set[str]:
        """Accept a request, or say why not: any of these codes will do."""
        wrong = _wrong_by_itself(asked) or self._refusal(asked)
        if not wrong:
            self._accept(asked)
        return wrong

    def end(self, failing: Mapping[str, int]) -> dict[str, bool]:
        """Bring all that is being done to its end; gives which clusters' succeeded.

        What has one of these labels fails at the step of that position, if it has so many.
        """
        ended = {}
        for name, doing in list(self.open.items()):
            creates = doing.asked.label == "create-cluster"
            steps = len(doing.nodes) + 2 if creates else len(doing.nodes) or 1
            position = failing.get(doing.asked.label, steps)
            ended[name] = position >= steps
            # Before the first node of a new cluster there is its control plane.
            self._end(doing, ended[name], doing.nodes[: max(0, position - creates)])
        self.open.clear()
        return ended

    def _refusal(self, asked: Request) -> set[str]:
        if asked.label == "create-cluster":
            wrong = {"NOT_FOUND"} if asked.version not in VERSIONS else set()
            if any(cluster.name == asked.name for cluster in self.clusters.values()):
                wrong.add("NAME_TAKEN")
            wrong |= _wrong_kinds(asked.kinds)
            centers = {CENTERS.get(kind.zone) for kind in asked.kinds}
            return wrong | ({"INVALID_VALUE"} if len(centers) != (2 if asked.spread else 1) else set())
        cluster = self.clusters[asked.resource]
        busy = {"OPERATION_IN_PROGRESS"} if asked.resource in self.open else set()
        match asked.label:
            case "create-cluster-nodes":
                return busy | _refusal_of_more(asked, cluster)
            case "delete-cluster-nodes":
                return busy | _refusal_of_less(asked, cluster)
            case "create-cluster-namespace":
                return busy | ({"NAME_TAKEN"} if asked.name in cluster.namespaces else set())
        if asked.name not in cluster.namespaces:
            return {"NOT_FOUND"}
        return busy | ({"IN_USE"} if asked.name.startswith("kube-") else set())

    def _accept(self, asked: Request) -> None:
        if asked.label == "create-cluster":
            self.clusters[asked.resource] = Cluster(asked.name, asked.spread)
        cluster = self.clusters[asked.resource]
        doing = self.open[asked.resource] = Doing(asked, status=cluster.status)
        match asked.label:
            case "create-cluster" | "create-cluster-nodes":
                doing.nodes, cluster.status = cluster.add(asked.kinds), PREPARATION
            case "delete-cluster-nodes":
                doing.nodes, cluster.status = list(dict.fromkeys(asked.nodes)), PREPARATION
                doing.statuses = {name: cluster.nodes[name].status for name in doing.nodes}
                for name in doing.nodes:
                    cluster.nodes[name].status = PREPARATION
            case "create-cluster-namespace":
                cluster.namespaces[asked.name] = (asked.cpu, asked.ram)

    def _end(self, doing: Doing, succeeded: bool, finished: Sequence[str]) -> None:
        asked, cluster = doing.asked, self.clusters[doing.asked.resource]
        match asked.label:
            case "create-cluster" | "create-cluster-nodes":
                for name in doing.nodes:
                    if name in finished:
                        cluster.nodes[name].status = ACTIVE
                    else:
                        del cluster.nodes[name]
                new = ACTIVE if succeeded else INACTIVE
                cluster.status = new if asked.label == "create-cluster" else doing.status
            case "delete-cluster-nodes":
                for name in doing.nodes:
                    if name in finished:
                        del cluster.nodes[name]
                    else:
                        cluster.nodes[name].status = doing.statuses[name]
                cluster.status = doing.status
            case "create-cluster-namespace" if not succeeded:
                del cluster.namespaces[asked.name]
            case "delete-cluster-namespace" if succeeded:
                del cluster.namespaces[asked.name]


def _wrong_by_itself(asked: Request) -> set[str]:
    wrong = set()
    if asked.label in ("create-cluster", "create-cluster-namespace") and not LABEL.fullmatch(asked.name):
        wrong.add("INVALID_VALUE")
    if asked.label in ("create-cluster", "create-cluster-nodes"):
        if not asked.kinds or any(not 0 < kind.number <= MOST_OF_A_KIND for kind in asked.kinds):
            wrong.add("INVALID_VALUE")
        elif sum(kind.number for kind in asked.kinds) > MOST_NODES:
            wrong.add("LIMIT_REACHED")
    if asked.label == "delete-cluster-nodes" and not asked.nodes:
        wrong.add("INVALID_VALUE")
    if asked.label == "create-cluster-namespace":
        is_system = asked.name == "default" or asked.name.startswith("kube-")
        limits = [limit for limit in (asked.cpu, asked.ram) if limit is not None]
        if is_system or any(not 0 < limit <= LARGEST_LIMIT for limit in limits):
            wrong.add("INVALID_VALUE")
    return wrong


def _wrong_kinds(kinds: Iterable[Kind]) -> set[str]:
    wrong = set()
    for kind in kinds:
        if kind.zone not in CENTERS:
            wrong.add("PLACE_NOT_OPEN")
        if kind.sizing not in SIZINGS:
            wrong.add("NOT_FOUND")
    return wrong


def _refusal_of_more(asked: Request, cluster: Cluster) -> set[str]:
    """A cluster keeps to its data centers."""
    wrong = {"WRONG_STATUS"} if cluster.status != ACTIVE else set()
    if len(cluster.nodes) + sum(kind.number for kind in asked.kinds) > MOST_NODES:
        wrong.add("LIMIT_REACHED")
    centers = {CENTERS[node.zone] for node in cluster.nodes.values()}
    if any(kind.zone in CENTERS and CENTERS[kind.zone] not in centers for kind in asked.kinds):
        wrong.add("INVALID_VALUE")
    return wrong | _wrong_kinds(asked.kinds)


def _refusal_of_less(asked: Request, cluster: Cluster) -> set[str]:
    """Neither all nodes go, nor all that traffic enters through, nor all of one data center."""
    if any(name not in cluster.nodes for name in asked.nodes):
        return {"NOT_FOUND"}
    staying = [node for name, node in cluster.nodes.items() if name not in asked.nodes]
    entered = any(cluster.nodes[name].is_ingress for name in asked.nodes)
    before = {CENTERS[node.zone] for node in cluster.nodes.values()}
    if not staying or {CENTERS[node.zone] for node in staying} != before:
        return {"IN_USE"}
    return {"IN_USE"} if entered and not any(node.is_ingress for node in staying) else set()
