"""Where rows go: organizations, Clouds, Services and networks, those that are there and those to be created."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from auth.tables import Cloud, Organization, uuid7
from resolvers.importing.errors import WrongValue
from resolvers.importing.values import shown
from resolvers.tables import Area, Network, NetworkScope, Service

_ROWS_PER_INSERT: Final = 1000


@dataclass
class KnownOrganization:
    """An organization, and by their keys its areas (id, region) and networks (id, area's id, scope)."""

    id: UUID
    code: str
    name: str | None
    is_group: bool
    is_new: bool
    has_clouds: bool = False
    areas: dict[str, tuple[UUID, str]] = field(default_factory=dict)
    networks: dict[tuple[str, int], tuple[UUID, UUID, str]] = field(default_factory=dict)


@dataclass
class KnownCloud:
    """A Cloud, its organization's code, and its Services' ids by name."""

    id: UUID
    organization: KnownOrganization
    is_new: bool
    services: dict[str, UUID] = field(default_factory=dict)


class Directory:
    """What is there, and what the rows ask for beside it.

    Whatever is missing is planned, so that the rows can go on; if nothing may be created, the first row that names it
    is told.
    """

    def __init__(self, *, create_missing: bool) -> None:
        self._create_missing = create_missing
        self._organizations: dict[str, KnownOrganization] = {}
        self._clouds: dict[str, KnownCloud] = {}
        self._new: dict[type[SQLModel], list[dict[str, Any]]] = {
            table: [] for table in (Organization, Cloud, Service, Area, Network)
        }

    async def read(self, connection: AsyncConnection) -> None:
        """Learn what is there."""
        by_id: dict[UUID, KnownOrganization] = {}
        for row in await _all(connection, "SELECT id, code, name, is_group FROM organization"):
            by_id[row.id] = KnownOrganization(row.id, row.code, row.name, row.is_group, is_new=False)
            self._organizations[row.code] = by_id[row.id]
        clouds: dict[UUID, KnownCloud] = {}
        for row in await _all(connection, "SELECT organization_id, id, code FROM cloud"):
            clouds[row.id] = self._clouds[row.code] = KnownCloud(row.id, by_id[row.organization_id], is_new=False)
        for row in await _all(connection, "SELECT cloud_id, id, name FROM service"):
            clouds[row.cloud_id].services[row.name] = row.id
        for row in await _all(connection, "SELECT organization_id, id, code, region_code FROM area"):
            by_id[row.organization_id].areas[row.code] = (row.id, row.region_code)
        for row in await _all(connection, "SELECT organization_id, id, area_id, vlan, cidr, scope FROM network"):
            by_id[row.organization_id].networks[row.cidr, row.vlan] = (row.id, row.area_id, row.scope)

    def organization(self, code: str) -> KnownOrganization:
        """Find an organization, or plan it."""
        known = self._organizations.get(code)
        if known is None:
            known = self._organizations[code] = KnownOrganization(uuid7(), code, None, is_group=False, is_new=True)
            self._missing(Organization, f"there is no organization {shown(code)}", id=known.id, code=code, name=code)
        return known

    def name_organization(self, organization: KnownOrganization, name: str) -> None:
        """Name an organization that is planned; rows must not contradict each other."""
        if not organization.is_new:
            return
        if organization.name not in {None, name}:
            problem = f"{shown(name)} contradicts {shown(organization.name)} of a row before"
            raise WrongValue(problem, f"one name for the organization {shown(organization.code)}")
        organization.name = name

    def cloud(self, organization: KnownOrganization, code: str) -> KnownCloud:
        """Find a Cloud of an organization, or plan it; the first one of a new organization is its default."""
        known = self._clouds.get(code)
        if known is None:
            is_default = organization.is_new and not organization.has_clouds
            organization.has_clouds = True
            known = self._clouds[code] = KnownCloud(uuid7(), organization, is_new=True)
            self._missing(
                Cloud,
                f"there is no Cloud {shown(code)}",
                of_missing=organization.is_new,
                organization_id=organization.id, id=known.id, code=code, name=code, is_default=is_default,
            )  # fmt: skip
        if known.organization is not organization:
            raise WrongValue(f"{shown(code)} is a Cloud of the organization {shown(known.organization.code)}")
        return known

    def service(self, cloud: KnownCloud, name: str) -> UUID:
        """Find a Service of a Cloud, or plan it."""
        known = cloud.services.get(name)
        if known is None:
            known = cloud.services[name] = uuid7()
            self._missing(
                Service,
                f"there is no Service {shown(name)} in the Cloud",
                of_missing=cloud.is_new,
                organization_id=cloud.organization.id, id=known, cloud_id=cloud.id, name=name,
            )  # fmt: skip
        return known

    def network(
        self,
        organization: KnownOrganization,
        area: str,
        prefix: tuple[str, int],
        scope: str | None,
        regions: Sequence[str],
    ) -> UUID:
        """Find a network by its CIDR and VLAN, or plan it; its area is in one of the regions of the resource."""
        area_id = self._area(organization, area, regions)
        known = organization.networks.get(prefix)
        if known is None:
            scope = scope or NetworkScope.PRIVATE.value
            known = organization.networks[prefix] = (uuid7(), area_id, scope)
            cidr, vlan = prefix
            self._missing(
                Network,
                f"there is no network {cidr} with VLAN {vlan}",
                of_missing=organization.is_new,
                organization_id=organization.id, id=known[0], area_id=area_id, vlan=vlan, cidr=cidr, scope=scope,
            )  # fmt: skip
        network_id, of_area, of_scope = known
        if of_area != area_id:
            raise WrongValue(f"the network {prefix[0]} with VLAN {prefix[1]} is in another area than {shown(area)}")
        if scope and of_scope != scope:
            raise WrongValue(f"the network {prefix[0]} has the scope {of_scope}, not {scope}")
        return network_id

    def _area(self, organization: KnownOrganization, code: str, regions: Sequence[str]) -> UUID:
        known = organization.areas.get(code)
        if known is None:
            known = organization.areas[code] = (uuid7(), regions[0])
            self._missing(
                Area,
                f"there is no area {shown(code)}",
                of_missing=organization.is_new,
                organization_id=organization.id, id=known[0], region_code=regions[0], code=code,
            )  # fmt: skip
        area_id, region = known
        if region not in regions:
            raise WrongValue(f"the area {shown(code)} is in the region {region}, the resource in {regions[0]}")
        return area_id

    async def create(self, connection: AsyncConnection) -> dict[str, int]:
        """Write what was planned; tell how many of what."""
        for row in self._new[Organization]:
            row["name"] = self._organizations[row["code"]].name or row["code"]
        for table, rows in self._new.items():
            for start in range(0, len(rows), _ROWS_PER_INSERT):
                await connection.execute(insert(table), rows[start : start + _ROWS_PER_INSERT])
        return {str(table.__tablename__): len(rows) for table, rows in self._new.items()}

    def _missing(self, table: type[SQLModel], problem: str, *, of_missing: bool = False, **row: object) -> None:
        if not self._create_missing and not of_missing:
            raise WrongValue(problem, "what is there, for nothing may be created")
        self._new[table].append(row)


async def _all(connection: AsyncConnection, statement: str) -> Sequence[Row[Any]]:
    return (await connection.execute(text(statement))).all()
