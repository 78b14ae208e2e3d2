"""Makes the rows of the world from a seed: tenants and resources here, what hangs on them in `parts`."""

from typing import Any, Final
from uuid import UUID

from auth.tables import Account, AccountKind, Cloud, Membership, Organization, OrganizationMember
from resolvers.reference import AVAILABILITY_ZONES, PRODUCTS, product_code, reference_id
from resolvers.tables import (
    Area,
    Domain,
    Instance,
    KubernetesCluster,
    LoadBalancer,
    Middleware,
    Network,
    NetworkScope,
    ObjectStore,
    OsType,
    Resource,
    ResourceStatus,
    ResourceType,
    Service,
    SupportPhase,
)
from tests.schema.drawing import Draw
from tests.schema.parts import make_parts
from tests.schema.vocabulary import ADDRESSES, CIDRS, ENVIRONMENTS, EPOCH, SERIAL, TAG_KEYS, TAG_VALUES, VLANS
from tests.schema.world import (
    ALPHA,
    API,
    CANARY,
    DISABLED,
    MEMBERSHIPS,
    NOBODY,
    PLATFORM,
    REPRESENTATIVE,
    VAULT,
    WIDE,
    World,
)

CLOUDS: Final = {
    "acme": {"alpha": (6, 66), "beta": (3, 34), "gamma": (2, 14)},
    "globex": {"omega": (4, 40), "lab": (1, 8)},
    f"{CANARY}-vault": {f"{CANARY}-cellar": (3, 18)},
}
"""Organization to Cloud to its number of Services and of resources; one Service of each Cloud has no resource."""


def make_world(seed: int = 1) -> World:
    """Make the world of a seed: the same, to the last identifier, every time."""
    return _Maker(Draw(seed)).world


class _Maker:
    """Makes tenants and resources."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.world = World()
        for code, clouds in CLOUDS.items():
            self._organization(code, clouds)
        self._accounts()

    # -- who there is

    def _organization(self, code: str, clouds: dict[str, tuple[int, int]]) -> None:
        self.draw.prefix = CANARY if code.startswith(CANARY) else ""
        organization = self.world.add(
            Organization(
                id=self.draw.id(), code=code, name=self.draw.text(), is_group=self.draw.chance(), created_at=EPOCH
            )
        )
        networks = self._networks(organization)
        self.world.add(Domain(organization_id=organization.id, id=self.draw.id(), fqdn=f"{code}.example"))
        for number, (name, (services, resources)) in enumerate(clouds.items()):
            cloud = self.world.add(
                Cloud(
                    organization_id=organization.id,
                    id=self.draw.id(),
                    code=name,
                    name=self.draw.text(),
                    is_default=number == 0,
                    created_at=EPOCH,
                )
            )
            self._cloud(cloud, services, resources, networks)

    def _networks(self, organization: Organization) -> list[Network]:
        areas = [
            self.world.add(Area(organization_id=organization.id, id=self.draw.id(), region_code=region, code=code))
            for region, code in zip(("EB", "EB", "ET", "ET"), self.draw.distinct_texts(), strict=False)
        ]
        return [
            self.world.add(
                Network(
                    organization_id=organization.id,
                    id=self.draw.id(),
                    area_id=self.draw.one_of(*areas).id,
                    vlan=vlan,
                    cidr=cidr,
                    scope=self.draw.one_of(*NetworkScope),
                )
            )
            for vlan in VLANS
            for cidr in CIDRS
        ]

    def _accounts(self) -> None:
        acme = self.world.organization("acme")
        special: dict[str, dict[str, Any]] = {
            API: {"kind": AccountKind.API_ACCOUNT, "organization_id": acme.id},
            PLATFORM: {"is_platform": True},
            DISABLED: {"disabled_at": EPOCH},
        }
        for email in (WIDE, ALPHA, API, REPRESENTATIVE, PLATFORM, VAULT, NOBODY, DISABLED):
            account = self.world.add(
                Account(id=self.draw.id(), email=email, created_at=EPOCH, **special.get(email, {}))
            )
            organizations = set()
            for code, profile in MEMBERSHIPS.get(email, ()):
                cloud = self.world.cloud(code)
                organizations.add(cloud.organization_id)
                self.world.add(
                    Membership(
                        organization_id=cloud.organization_id,
                        cloud_id=cloud.id,
                        account_id=account.id,
                        profile=profile,
                        created_at=EPOCH,
                    )
                )
            for organization in sorted(organizations | ({acme.id} if email == REPRESENTATIVE else set())):
                self.world.add(
                    OrganizationMember(
                        organization_id=organization,
                        account_id=account.id,
                        is_security_representative=email == REPRESENTATIVE,
                        created_at=EPOCH,
                    )
                )

    # -- what there is

    def _cloud(self, cloud: Cloud, services: int, resources: int, networks: list[Network]) -> None:
        of_cloud: dict[str, Any] = {"organization_id": cloud.organization_id, "cloud_id": cloud.id}
        made = [
            self.world.add(
                Service(
                    **of_cloud, id=self.draw.id(), name=name, description=self.draw.maybe(), created_at=self.draw.time()
                )
            )
            for name, _ in zip(self.draw.distinct_texts(), range(services), strict=False)
        ]
        # The last one stays empty, unless it is the only one.
        filled = made[: max(1, services - 1)]
        names = {service.id: self.draw.distinct_texts() for service in filled}
        listed = []
        for number in range(resources):
            service = self.draw.one_of(*filled)
            resource = self._resource(service, next(names[service.id]), self.draw.one_of(None, *networks), number)
            listed.append(resource)
            self._detail(resource)
        make_parts(self.draw, self.world, cloud, made, listed)

    def _resource(self, service: Service, name: str, network: Network | None, number: int) -> Resource:
        type_ = self.draw.random.choices(list(ResourceType), (8, 3, 3, 3, 1, 1, 1, 1))[0]
        data_centers, zones = self._places(type_)
        created_at = self.draw.time()
        tags = {self.draw.prefix + key: self.draw.text(*TAG_VALUES) for key in self.draw.some(TAG_KEYS, 5)}
        if number % 10:
            tags[self.draw.prefix + SERIAL] = f"{self.draw.prefix}{service.id.hex[:4]}-{number}"
        return self.world.add(
            Resource(
                organization_id=service.organization_id,
                cloud_id=service.cloud_id,
                service_id=service.id,
                id=self.draw.id(),
                type=type_,
                name=name,
                status=self.draw.one_of(*ResourceStatus),
                environment=self.draw.one_of(*ENVIRONMENTS),
                revision=self.draw.random.randint(1, 3),
                tags=tags,
                availability_zones=zones,
                data_centers=data_centers,
                monitoring_enabled=self.draw.chance(),
                on_call=self.draw.chance(),
                comment=self.draw.maybe(),
                created_by=self.draw.maybe(),
                external_id=f"{self.draw.prefix}{number}-{service.cloud_id}" if self.draw.chance() else None,
                product_id=self._product(),
                support_level=self.draw.maybe("", "gold", "Gold", "%", "é"),
                support_phase=self.draw.one_of(None, *SupportPhase),
                network_id=None if network is None else network.id,
                ip_addresses=self.draw.some(ADDRESSES, 3),
                created_at=created_at,
                updated_at=self.draw.time(created_at),
            )
        )

    def _product(self) -> UUID | None:
        name = self.draw.one_of(*PRODUCTS)
        code = product_code(name, self.draw.one_of(*PRODUCTS[name]))
        return self.draw.one_of(None, reference_id("product", code))

    def _places(self, type_: ResourceType) -> tuple[list[str], list[str]]:
        """Draw data centers and zones: one of each, or none or several of the second, by what the type allows."""
        first, second = self.draw.random.sample(list(AVAILABILITY_ZONES), 2)
        first_center, second_center = AVAILABILITY_ZONES[first][0], AVAILABILITY_ZONES[second][0]
        if type_ is ResourceType.OBJECT_STORE:
            return [self.draw.one_of("EB4", "ET2")], []
        if type_ is ResourceType.INSTANCE or self.draw.chance():
            return [first_center], [first]
        if self.draw.chance():
            return ["ET2", first_center], [first]
        return list(dict.fromkeys((first_center, second_center))), [first, second]

    def _detail(self, resource: Resource) -> None:
        of_resource: dict[str, Any] = {
            "organization_id": resource.organization_id,
            "cloud_id": resource.cloud_id,
            "resource_id": resource.id,
        }
        match resource.type:
            case ResourceType.INSTANCE:
                excluded = self.draw.chance()
                policy = self.draw.maybe("", "daily", "%")
                self.world.add(
                    Instance(
                        **of_resource,
                        family=self.draw.text("DEBIAN", "debian", "WINDOWS", "é"),
                        os_type=self.draw.one_of(*OsType),
                        cpu=self.draw.one_of(1, 2, 4, 2**31 - 1),
                        ram_gb=self.draw.one_of(1, 2, 4, 64),
                        disk_gb=self.draw.one_of(0, 1, 100),
                        backup_policy=policy,
                        backup_last_at=self.draw.time() if policy is not None and self.draw.chance() else None,
                        backup_size_gb=1.5 if policy is not None and self.draw.chance() else None,
                        recovery=self.draw.chance(),
                        patching_group=self.draw.maybe("", "A", "a", "É"),
                        patching_next_at=self.draw.time() if self.draw.chance() else None,
                        patching_excluded=excluded,
                        patching_excluded_reason=self.draw.maybe() if excluded else None,
                    )
                )
            case ResourceType.LOAD_BALANCER:
                self.world.add(
                    LoadBalancer(
                        **of_resource,
                        url=self.draw.maybe(),
                        domain=self.draw.maybe("", "a.example", "A.example"),
                        protocol=self.draw.text("HTTP", "HTTPS", "tcp"),
                        port=self.draw.one_of(1, 80, 443, 65535),
                        mode=self.draw.maybe("ROUND_ROBIN"),
                        redirect_to_https=self.draw.chance(),
                    )
                )
            case ResourceType.OBJECT_STORE:
                self.world.add(
                    ObjectStore(
                        **of_resource,
                        geo_replicated=self.draw.chance(),
                        quota_gb=self.draw.one_of(1, 10, 2**31 - 1),
                        used_gb=self.draw.one_of(0.0, 0.5),
                    )
                )
            case ResourceType.KUBERNETES_CLUSTER:
                self.world.add(
                    KubernetesCluster(
                        **of_resource,
                        kubernetes_version=self.draw.text("1.31", "1.32", "1.3", "%"),
                        ingress=self.draw.text("NGINX", "nginx", "TRAEFIK"),
                        high_availability=self.draw.chance(),
                        backup_policy=self.draw.maybe("daily"),
                    )
                )
            case _:
                self.world.add(
                    Middleware(
                        **of_resource,
                        family=self.draw.text("POSTGRESQL", "REDIS"),
                        version=self.draw.maybe("17", "7.4"),
                        topology=self.draw.maybe("CLUSTER"),
                        disk_gb=self.draw.one_of(None, 0, 100),
                        tls_enabled=self.draw.chance(),
                    )
                )
