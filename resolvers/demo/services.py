"""Services of the demo: each with its resources, indicators, maintenance windows and SMS account."""

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Final
from uuid import UUID

from auth.tables import Profile
from resolvers.demo.batch import Batch
from resolvers.demo.identifiers import AS_OF, FOUNDED, drawn_id
from resolvers.demo.operations import Asked, add_deletion, add_operation
from resolvers.demo.resources import add_resource
from resolvers.demo.rows import (
    IndicatorRow,
    MaintenanceRow,
    MaintenanceSubjectRow,
    ServiceRow,
    SmsSubscriptionRow,
)
from resolvers.demo.scopes import CloudScope, ServiceScope
from resolvers.demo.vocabulary import PEOPLE, ROLE_WEIGHTS, ROLES, SHOWCASE, TEAMS, application
from resolvers.tables import IndicatorKind, OperationStatus

_REASONS: Final = (
    "Monthly patches",
    "Move to the new storage array",
    'Certificate renewal, "short" cut expected',
    "Mise à jour de la base, coupure de 10 min",
    "Firewall upgrade,\nalerts are silenced",
)
_WINDOWS: Final = (
    (timedelta(days=-30), timedelta(hours=4)),
    (timedelta(hours=-1), timedelta(hours=6)),
    (timedelta(days=6), timedelta(hours=3)),
)
"""Start, from the demo's now, and length: one is over, one is running, one is to come."""
_INDICATORS: Final = (
    ("home page", IndicatorKind.HTTP, "https://{name}.example/health", 200.0),
    ("database port", IndicatorKind.TCP, "db-01.{name}.example:5432", None),
    ("disk usage, %", IndicatorKind.METRIC, "filesystem_usage_percent", 85.0),
    ("temps de réponse", IndicatorKind.METRIC, "http_request_seconds_p95", 0.8),
)


def draw_size(random: Random) -> int:
    """Draw how many resources a Service has: about eighteen, few have many."""
    return min(120, 3 + int(random.expovariate(1 / 15)))


def fill_service(batch: Batch, cloud: CloudScope, number: int, size: int, random: Random, *, showcase: bool) -> None:
    """Add a Service, number `number` of its Cloud, with `size` resources."""
    kind = application(number)
    created_at = FOUNDED + timedelta(seconds=random.randrange(2 * 365 * 24 * 3600))
    service = ServiceScope(
        cloud=cloud,
        number=number,
        application=kind,
        id=drawn_id(random, created_at),
        created_at=created_at,
        environment="production" if showcase else random.choice(cloud.environments),
        team="storefront" if showcase else random.choice(TEAMS),
        random=random,
        batch=batch,
        showcase=showcase,
    )
    batch.add(ServiceRow(cloud.organization_id, service.id, cloud.id, kind.name, kind.description, created_at))
    numbers: Counter[str] = Counter()
    for position in range(size):
        prefix = SHOWCASE[position % len(SHOWCASE)] if showcase else random.choice(ROLE_WEIGHTS)
        numbers[prefix] += 1
        add_resource(service, ROLES[prefix], numbers[prefix])
    _add_indicators(service)
    _add_maintenances(service)
    _add_sms_subscription(service)
    if service.chance(0.2):
        add_deletion(service)


def _add_indicators(service: ServiceScope) -> None:
    cloud, random = service.cloud, service.random
    count = len(_INDICATORS) if service.showcase else int(random.random() * 3)
    for name, kind, target, threshold in _INDICATORS[:count]:
        created_at = service.moment(service.created_at)
        service.batch.add(
            IndicatorRow(
                organization_id=cloud.organization_id,
                id=service.new_id(created_at),
                cloud_id=cloud.id,
                service_id=service.id,
                name=name,
                kind=kind,
                target=target.format(name=service.application.slug),
                threshold=threshold,
                created_at=created_at,
            )
        )


def _add_maintenances(service: ServiceScope) -> None:
    """Add windows on the whole Service, or on some of its resources."""
    cloud, random = service.cloud, service.random
    for start, duration in _WINDOWS:
        if not service.chance(0.12):
            continue
        starts_at = AS_OF + start + timedelta(minutes=0 if service.showcase else random.randrange(60))
        announced_at = starts_at - timedelta(days=7)
        maintenance_id = service.new_id(announced_at)
        service.batch.add(
            MaintenanceRow(
                organization_id=cloud.organization_id,
                id=maintenance_id,
                cloud_id=cloud.id,
                starts_at=starts_at,
                ends_at=starts_at + duration,
                reason=random.choice(_REASONS),
                created_by=random.choice(PEOPLE),
                created_at=announced_at,
            )
        )
        whole = random.random() < 0.5 or not service.resources
        subjects: list[tuple[UUID | None, UUID | None]] = [(service.id, None)] if whole or service.showcase else []
        if not whole or (service.showcase and service.resources):
            subjects += [(None, resource_id) for resource_id in service.resources[:3]]
        for service_id, resource_id in subjects:
            service.batch.add(
                MaintenanceSubjectRow(
                    organization_id=cloud.organization_id,
                    id=service.new_id(announced_at),
                    cloud_id=cloud.id,
                    maintenance_id=maintenance_id,
                    service_id=service_id,
                    resource_id=resource_id,
                )
            )
        add_operation(service, Asked("CREATE_MAINTENANCE", Profile.DTM), announced_at, OperationStatus.SUCCESS)


def _add_sms_subscription(service: ServiceScope) -> None:
    cloud, random = service.cloud, service.random
    if not service.chance(0.1):
        return
    created_at = service.moment(service.created_at)
    per_minute = random.choice((10, 30, 60))
    service.batch.add(
        SmsSubscriptionRow(
            organization_id=cloud.organization_id,
            id=service.new_id(created_at),
            cloud_id=cloud.id,
            service_id=service.id,
            sender=cloud.organization_code[:11].upper(),
            per_minute=per_minute,
            per_hour=per_minute * random.choice((10, 20)),
            # Numbers that the French regulator keeps for works of fiction.
            allowed_numbers=("+33639980001", "+33639980002") if random.random() < 0.5 else (),
            created_at=created_at,
        )
    )
    add_operation(service, Asked("SUBSCRIBE_VORTEXT", Profile.POW), created_at, OperationStatus.SUCCESS)
