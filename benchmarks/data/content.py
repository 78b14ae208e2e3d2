"""What is in the data set: the same number of resources gives the same rows, for every server.

20 organizations, each with 3 Clouds of 20 Services; resources are dealt out to the Services one by one, and each has
three tags. Names are numbered so that ordering by name is ordering by number, whichever of the two a server does.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from resolvers.reference import AVAILABILITY_ZONES

ORGANIZATIONS: Final = 20
CLOUDS_PER_ORGANIZATION: Final = 3
SERVICES_PER_CLOUD: Final = 20
CLOUDS: Final = ORGANIZATIONS * CLOUDS_PER_ORGANIZATION
SERVICES: Final = CLOUDS * SERVICES_PER_CLOUD
TAGS_PER_RESOURCE: Final = 3

TAG_KEYS: Final = (
    "app", "backup", "compliance", "cost-center", "env", "lifecycle", "owner", "project", "team", "tier",
)  # fmt: skip
VALUES_PER_KEY: Final = 5
TYPES: Final = ("INSTANCE", "LOAD_BALANCER", "OBJECT_STORE", "KUBERNETES_CLUSTER")
STATUSES: Final = ("ACTIVE", "ACTIVE", "ACTIVE", "INACTIVE", "PREPARATION", "ACTIVE")
ENVIRONMENTS: Final = ("production", "staging", "dev", "test")
ZONES: Final = tuple(AVAILABILITY_ZONES)

FOUNDED: Final = datetime(2024, 1, 1, tzinfo=UTC)
_LAST_CHANGES: Final = datetime(2025, 6, 1, tzinfo=UTC)


class Resource(NamedTuple):
    """One resource, by numbers from 1; its zone and its type are told by code, its tags by key."""

    number: int
    service: int
    name: str
    type: str
    status: str
    environment: str
    zone: str
    cpu: int
    ram_gb: int
    created_at: datetime
    updated_at: datetime
    tags: dict[str, str]


def organization_of_cloud(cloud: int) -> int:
    """The number of a Cloud's organization."""
    return 1 + (cloud - 1) // CLOUDS_PER_ORGANIZATION


def cloud_of_service(service: int) -> int:
    """The number of a Service's Cloud."""
    return 1 + (service - 1) // SERVICES_PER_CLOUD


def organization_name(number: int) -> str:
    """The name of an organization."""
    return f"Organization {number:02d}"


def cloud_name(number: int) -> str:
    """The name of a Cloud, which is its code too."""
    return f"cloud-{number:02d}"


def service_name(number: int) -> str:
    """The name of a Service."""
    return f"service-{number:04d}"


def tag_value(key: str, number: int) -> str:
    """One of the values of a tag key, by number from 0."""
    return f"{key}-{number + 1}"


def resources(count: int) -> Iterator[Resource]:
    """Make that many resources, in the order of their numbers."""
    return map(_resource, range(1, count + 1))


def _resource(number: int) -> Resource:
    return Resource(
        number=number,
        service=1 + (number - 1) % SERVICES,
        name=f"resource-{number:07d}",
        type=TYPES[number % len(TYPES)],
        status=STATUSES[number * 7 % len(STATUSES)],
        environment=ENVIRONMENTS[number * 13 // 5 % len(ENVIRONMENTS)],
        zone=ZONES[number * 11 % len(ZONES)],
        cpu=2 ** (1 + number % 5),
        ram_gb=2 ** (2 + number % 7),
        created_at=FOUNDED + number * 37 % 800_000 * timedelta(seconds=30),
        updated_at=_LAST_CHANGES + number * 91 % 500_000 * timedelta(seconds=30),
        tags=_tags(number),
    )


def _tags(number: int) -> dict[str, str]:
    """Three tags of different keys, in the order of their keys."""
    # Steps of three over ten keys never meet; a multiplicative hash spreads the values evenly and without a pattern.
    chosen = sorted((number * 7 + step * 3) % len(TAG_KEYS) for step in range(TAGS_PER_RESOURCE))
    return {
        TAG_KEYS[key]: tag_value(TAG_KEYS[key], ((number * 31 + key) * 2_654_435_761 >> 16 & 0xFFFF) % VALUES_PER_KEY)
        for key in chosen
    }
