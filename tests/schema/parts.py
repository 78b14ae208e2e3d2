"""Makes what hangs on the Services and resources of a Cloud: snapshots, aliases, members, operations and the like."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from auth.tables import Cloud
from resolvers.reference import AVAILABILITY_ZONES, SIZINGS
from resolvers.tables import (
    ClusterNode,
    DnsAlias,
    Domain,
    FileSystem,
    Indicator,
    IndicatorKind,
    LoadBalancerMember,
    Maintenance,
    MaintenanceSubject,
    MemberState,
    Namespace,
    NodeStatus,
    ObjectStoreUser,
    Operation,
    OperationStatus,
    OperationStep,
    Resource,
    ResourceType,
    Service,
    SmsSubscription,
    Snapshot,
)
from tests.schema.drawing import Draw
from tests.schema.vocabulary import ACTIONS, EPOCH, TIMES
from tests.schema.world import World


def make_parts(draw: Draw, world: World, cloud: Cloud, services: list[Service], resources: list[Resource]) -> None:
    """Add what hangs on the Services and resources of one Cloud."""
    _Parts(draw, world, cloud, services, resources).make()


class _Parts:
    """Makes what hangs on the Services and resources of one Cloud."""

    def __init__(
        self, draw: Draw, world: World, cloud: Cloud, services: list[Service], resources: list[Resource]
    ) -> None:
        self.draw = draw
        self.world = world
        self.cloud = cloud
        self.services = services
        self.resources = resources
        self.domain = next(row for row in self.world.all(Domain) if row.organization_id == cloud.organization_id)

    @property
    def own(self) -> dict[str, Any]:
        """The columns that every row of the Cloud has: a new identifier among them."""
        return {"organization_id": self.cloud.organization_id, "cloud_id": self.cloud.id, "id": self.draw.id()}

    def make(self) -> None:
        for service in self.services:
            self._of_service(service)
        for resource in self.resources:
            self._of_resource(resource)
            if resource.type in _PARTS:
                _PARTS[ResourceType(resource.type)](self, resource)
        self._maintenances()
        self._operations()

    def _of_service(self, service: Service) -> None:
        draw = self.draw
        for name in self.draw.texts(3):
            self.world.add(
                Indicator(
                    **self.own,
                    service_id=service.id,
                    name=name,
                    kind=draw.one_of(*IndicatorKind),
                    target=draw.text(),
                    threshold=draw.one_of(None, 0.5),
                    created_at=draw.time(),
                )
            )
        if draw.chance():
            self.world.add(
                SmsSubscription(
                    **self.own,
                    service_id=service.id,
                    sender=draw.text("a", "é"),
                    per_minute=1,
                    per_hour=60,
                    allowed_numbers=draw.texts(2),
                    created_at=draw.time(),
                )
            )

    def _of_resource(self, resource: Resource) -> None:
        draw = self.draw
        if resource.type in (ResourceType.INSTANCE, ResourceType.LOAD_BALANCER):
            for number in range(draw.random.randint(0, 2)):
                name = f"{draw.prefix}{number}.{resource.id.hex[:12]}.{self.domain.fqdn}"
                self.world.add(
                    DnsAlias(
                        **self.own,
                        resource_id=resource.id,
                        domain_id=self.domain.id,
                        fqdn=name,
                        created_at=draw.time(),
                    )
                )
        if resource.type in (ResourceType.KUBERNETES_CLUSTER, ResourceType.MANAGED_DATABASE):
            for name in self.draw.texts(3):
                self.world.add(
                    ClusterNode(
                        **self.own,
                        resource_id=resource.id,
                        name=name,
                        sizing_code=draw.one_of(*SIZINGS),
                        availability_zone_code=draw.one_of(*AVAILABILITY_ZONES),
                        is_ingress=draw.chance(),
                        status=draw.one_of(*NodeStatus),
                    )
                )

    def of_instance(self, resource: Resource) -> None:
        draw = self.draw
        for mount_point in draw.some(("/", "/data", "C:\\"), 2):
            self.world.add(
                FileSystem(
                    **self.own,
                    resource_id=resource.id,
                    mount_point=draw.prefix + mount_point,
                    type=draw.text("ext4"),
                    size_gb=10.0,
                    free_gb=2.5,
                )
            )
        for label in self.draw.texts(3):
            self.world.add(
                Snapshot(
                    **self.own,
                    resource_id=resource.id,
                    label=label,
                    description=draw.maybe(),
                    size_gb=1.0,
                    created_at=draw.time(),
                )
            )

    def of_load_balancer(self, resource: Resource) -> None:
        instances = [row for row in self.resources if row.type == ResourceType.INSTANCE]
        for instance in self.draw.some(instances, 3):
            for port in self.draw.random.sample((80, 443), self.draw.random.randint(1, 2)):
                self.world.add(
                    LoadBalancerMember(
                        **self.own,
                        resource_id=resource.id,
                        instance_id=instance.id,
                        port=port,
                        state=self.draw.one_of(*MemberState),
                    )
                )

    def of_object_store(self, resource: Resource) -> None:
        for number, label in enumerate(self.draw.texts(3)):
            self.world.add(
                ObjectStoreUser(
                    **self.own,
                    resource_id=resource.id,
                    label=label,
                    access_key=f"{self.draw.prefix}{resource.id}-{number}",
                    locked=self.draw.chance(),
                    created_at=self.draw.time(),
                )
            )

    def of_cluster(self, resource: Resource) -> None:
        for name in self.draw.some(("a", "b", "default", "kube-system"), 3):
            limit = self.draw.one_of(None, 4)
            self.world.add(
                Namespace(
                    **self.own,
                    resource_id=resource.id,
                    name=self.draw.prefix + name,
                    cpu_limit=limit,
                    ram_limit_gb=limit,
                )
            )

    def _maintenances(self) -> None:
        draw = self.draw
        for _ in range(3):
            starts_at = draw.one_of(*TIMES[1:-1])
            maintenance = self.world.add(
                Maintenance(
                    **self.own,
                    starts_at=starts_at,
                    ends_at=starts_at + timedelta(hours=2),
                    reason=draw.text(),
                    created_at=EPOCH,
                )
            )
            for service in draw.some(self.services, 2):
                self.world.add(MaintenanceSubject(**self.own, maintenance_id=maintenance.id, service_id=service.id))
            for resource in draw.some(self.resources, 4):
                self.world.add(MaintenanceSubject(**self.own, maintenance_id=maintenance.id, resource_id=resource.id))

    def _operations(self) -> None:
        draw, busy = self.draw, set[UUID]()
        for _ in range(12):
            about = draw.one_of(None, *self.resources)
            gone = about is not None and draw.random.random() < 0.2
            status = draw.one_of(*OperationStatus)
            if status == OperationStatus.IN_PROGRESS and about is not None:
                # One at a time is open on a resource.
                status = OperationStatus.SUCCESS if about.id in busy else status
                busy.add(about.id)
            submitted_at = draw.one_of(*TIMES[:-1])
            operation = self.world.add(
                Operation(
                    **self.own,
                    action=draw.one_of(*ACTIONS),
                    status=status,
                    progress=draw.one_of(0, 50, 100),
                    message=draw.maybe(),
                    resource_id=None if about is None else draw.id() if gone else about.id,
                    resource_name=None if about is None else about.name,
                    resource_type=None if about is None else about.type,
                    submitted_by=draw.text(),
                    submitted_at=submitted_at,
                    last_updated_at=submitted_at,
                    completed_at=None if status == OperationStatus.IN_PROGRESS else submitted_at,
                )
            )
            for position in range(draw.random.randint(0, 3)):
                self.world.add(
                    OperationStep(
                        **self.own,
                        operation_id=operation.id,
                        position=position,
                        name=draw.text(),
                        status=draw.one_of(*OperationStatus),
                        # Never the first moment there is: the driver writes it as -infinity.
                        completed_at=draw.one_of(None, max(submitted_at, TIMES[1])),
                    )
                )


_PARTS: Final = {
    ResourceType.INSTANCE: _Parts.of_instance,
    ResourceType.LOAD_BALANCER: _Parts.of_load_balancer,
    ResourceType.OBJECT_STORE: _Parts.of_object_store,
    ResourceType.KUBERNETES_CLUSTER: _Parts.of_cluster,
}
