"""Areas, networks and addresses of the demo: every address is handed out once."""

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final
from uuid import UUID

from resolvers.demo.batch import Batch
from resolvers.demo.identifiers import named_id
from resolvers.demo.rows import AreaRow, NetworkRow
from resolvers.tables import NetworkScope

_FIRST_VLAN: Final = 100
_VLANS: Final = 3900


@dataclass(frozen=True)
class Range:
    """A range of addresses and the size of the networks it is cut into: 2 to the power of `host_bits`."""

    first: IPv4Address
    host_bits: int


_RANGES: Final = {
    NetworkScope.PRIVATE: Range(IPv4Address("10.0.0.0"), 8),
    NetworkScope.INTERCO: Range(IPv4Address("172.16.0.0"), 6),
    # Set aside for tests by RFC 2544, so that no address belongs to anybody.
    NetworkScope.INTERNET: Range(IPv4Address("198.18.0.0"), 4),
}


@dataclass
class _OpenNetwork:
    id: UUID
    next_address: int
    last_address: int


class AddressBook:
    """Opens a network per Cloud, region and scope, and a further one when it is full."""

    def __init__(self) -> None:
        self._opened = dict.fromkeys(NetworkScope, 0)
        self._open: dict[tuple[UUID, str, NetworkScope], _OpenNetwork] = {}
        self._areas: dict[tuple[UUID, str], UUID] = {}

    def take(
        self, batch: Batch, organization_id: UUID, cloud: tuple[UUID, str], region: str, scope: NetworkScope
    ) -> tuple[UUID, IPv4Address]:
        """Hand out the next address, with the identifier of its network; `cloud` is its identifier and code."""
        key = (cloud[0], region, scope)
        network = self._open.get(key)
        if network is None or network.next_address > network.last_address:
            area_id = self._area(batch, organization_id, cloud, region)
            network = self._open[key] = self._open_network(batch, organization_id, area_id, scope)
        address = IPv4Address(network.next_address)
        network.next_address += 1
        return network.id, address

    def _area(self, batch: Batch, organization_id: UUID, cloud: tuple[UUID, str], region: str) -> UUID:
        cloud_id, cloud_code = cloud
        area_id = self._areas.get((cloud_id, region))
        if area_id is None:
            code = f"{cloud_code}-{region.lower()}"
            area_id = self._areas[cloud_id, region] = named_id(f"area:{code}")
            batch.add(AreaRow(organization_id, area_id, region, code))
        return area_id

    def _open_network(self, batch: Batch, organization_id: UUID, area_id: UUID, scope: NetworkScope) -> _OpenNetwork:
        number = self._opened[scope]
        self._opened[scope] += 1
        first, host_bits = _RANGES[scope].first, _RANGES[scope].host_bits
        base = int(first) + (number << host_bits)
        cidr = f"{IPv4Address(base)}/{32 - host_bits}"
        network_id = named_id(f"network:{cidr}")
        batch.add(NetworkRow(organization_id, network_id, area_id, _FIRST_VLAN + number % _VLANS, cidr, scope))
        # The first address names the network, the second is its router's, the last is for broadcasts.
        return _OpenNetwork(network_id, base + 2, base + (1 << host_bits) - 2)
