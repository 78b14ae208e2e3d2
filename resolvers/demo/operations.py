"""Operations of the demo: what was asked of its resources, by whom, and how it went."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from auth.tables import Profile
from resolvers.demo.identifiers import AS_OF
from resolvers.demo.rows import OperationRow, OperationStepRow
from resolvers.demo.scopes import Made, ServiceScope
from resolvers.demo.vocabulary import weighted
from resolvers.tables import OperationStatus, ResourceStatus, ResourceType


class Asked(NamedTuple):
    """An action, and the profile of who asks for it here."""

    action: str
    profile: Profile


class Subject(NamedTuple):
    """The resource that an operation is about, which may be gone."""

    id: UUID | None = None
    name: str | None = None
    type: ResourceType | None = None


NO_RESOURCE: Final = Subject()

_CREATIONS: Final = {
    ResourceType.INSTANCE: "CREATE_INSTANCE",
    ResourceType.LOAD_BALANCER: "CREATE_LB",
    ResourceType.OBJECT_STORE: "CREATE_OBJECT_STORES",
    ResourceType.KUBERNETES_CLUSTER: "CREATE_CLUSTER",
}
_CHANGES: Final = {
    ResourceType.INSTANCE: (
        Asked("START_INSTANCE", Profile.OPE),
        Asked("STOP_INSTANCE", Profile.OPE),
        Asked("RESET_INSTANCE", Profile.OPE),
        Asked("RESIZE_COMPUTE_INSTANCE", Profile.OPE),
        Asked("ENABLE_MONITORING_INSTANCE", Profile.OPE),
        Asked("DISABLE_MONITORING_INSTANCE", Profile.OPE),
        Asked("CREATE_SNAPSHOT", Profile.OPE),
        Asked("RECOVER_SNAPSHOT", Profile.POW),
        Asked("DELETE_SNAPSHOT", Profile.OPE),
        Asked("CREATE_DNS", Profile.OPE),
        Asked("DELETE_DNS", Profile.OPE),
    ),
    ResourceType.LOAD_BALANCER: (
        Asked("START_LB", Profile.OPE),
        Asked("STOP_LB", Profile.OPE),
        Asked("ENABLE_MONITORING_LB", Profile.OPE),
        Asked("ADD_MEMBER_LB", Profile.OPE),
        Asked("DELETE_MEMBER_LB", Profile.OPE),
        Asked("UPDATE_MEMBER_STATE", Profile.OPE),
        Asked("CREATE_DNS_LB", Profile.OPE),
    ),
    ResourceType.OBJECT_STORE: (
        Asked("UPDATE_OBJECT_STORES", Profile.OPE),
        Asked("CREATE_USER_OBJECTSTORES", Profile.POW),
        Asked("UPDATE_USER_OBJECTSTORES", Profile.POW),
        Asked("DELETE_USER_OBJECTSTORES", Profile.POW),
    ),
    ResourceType.KUBERNETES_CLUSTER: (
        Asked("CREATE_CLUSTER_NAMESPACE", Profile.OPE),
        Asked("DELETE_CLUSTER_NAMESPACE", Profile.OPE),
        Asked("CREATE_CLUSTER_NODES", Profile.POW),
        Asked("DELETE_CLUSTER_NODES", Profile.POW),
    ),
}
_ENDINGS: Final = weighted({OperationStatus.SUCCESS: 88, OperationStatus.ERROR: 9, OperationStatus.CANCELLED: 3})
_FAILURES: Final = (
    "The hypervisor did not answer within 300 s.",
    "Not enough capacity in the availability zone.",
    'The agent reported: "disk full", nothing was changed.',
    "Échec de l'étape de configuration.",
)
_STEPS: Final = ("check", "prepare", "apply", "verify")


def add_operations(made: Made) -> None:
    """Add what was asked of a resource: its creation while it is in preparation, and changes of some."""
    service, random = made.service, made.service.random
    creation = _CREATIONS.get(made.role.type)
    if creation is None:
        return
    subject = Subject(made.id, made.name, made.role.type)
    asked = Asked(creation, Profile.POW)
    if made.status is ResourceStatus.PREPARATION:
        add_operation(service, asked, made.created_at, OperationStatus.IN_PROGRESS, subject)
        return
    if service.chance(0.1):
        add_operation(service, asked, made.created_at, OperationStatus.SUCCESS, subject)
    if service.chance(0.15):
        for _ in range(4 if service.showcase else 1):
            asked = random.choice(_CHANGES[made.role.type])
            add_operation(service, asked, service.moment(made.created_at), random.choice(_ENDINGS), subject)


def add_deletion(service: ServiceScope) -> None:
    """Add the deletion of an instance that is gone; only its operation still names it."""
    gone = Subject(service.new_id(service.created_at), "old-01", ResourceType.INSTANCE)
    asked = Asked("DELETE_INSTANCE", Profile.POW)
    add_operation(service, asked, service.moment(service.created_at), OperationStatus.SUCCESS, gone)


def add_operation(
    service: ServiceScope, asked: Asked, at: datetime, status: OperationStatus, subject: Subject = NO_RESOURCE
) -> None:
    """Add an operation with its steps; one that is in progress is part of the way."""
    random, cloud = service.random, service.cloud
    completed_at = (
        None if status is OperationStatus.IN_PROGRESS else min(AS_OF, at + timedelta(seconds=random.randrange(900)))
    )
    done = len(_STEPS) if status is OperationStatus.SUCCESS else random.randrange(1, len(_STEPS))
    account_id, email = cloud.operators[asked.profile]
    operation_id = service.new_id(at)
    service.batch.add(
        OperationRow(
            organization_id=cloud.organization_id,
            id=operation_id,
            cloud_id=cloud.id,
            action=asked.action,
            status=status,
            progress=100 * done // len(_STEPS),
            message=random.choice(_FAILURES) if status is OperationStatus.ERROR else None,
            resource_id=subject.id,
            resource_name=subject.name,
            resource_type=subject.type,
            submitted_by_id=account_id,
            submitted_by=email,
            submitted_at=at,
            last_updated_at=completed_at or at,
            completed_at=completed_at,
            change_reference=f"RFC-{random.randrange(1000, 9999)}" if random.random() < 0.3 else None,
        )
    )
    for position, step in enumerate(_steps(status, done)):
        service.batch.add(
            OperationStepRow(
                organization_id=cloud.organization_id,
                id=service.new_id(at),
                cloud_id=cloud.id,
                operation_id=operation_id,
                position=position,
                name=_STEPS[position],
                status=step,
                completed_at=completed_at if step is OperationStatus.SUCCESS else None,
            )
        )


def _steps(status: OperationStatus, done: int) -> Iterable[OperationStatus]:
    """Give the status of each step: `done` succeeded, and the next one is where an unfinished operation stands."""
    yield from (OperationStatus.SUCCESS,) * done
    if status is not OperationStatus.SUCCESS:
        yield status
