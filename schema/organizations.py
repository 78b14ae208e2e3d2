"""Organizations, their Clouds, and the Services that group resources inside a Cloud."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.reads import rows
from resolvers.reads.accounts import ACCOUNT_REQUESTS_OF_ORGANIZATION, ACCOUNTS_OF_ORGANIZATION
from resolvers.reads.proposals import PROPOSALS_OF_CLOUD, REQUESTS_OF_ORGANIZATION
from resolvers.reads.sources import (
    CLOUDS_OF_ORGANIZATION,
    INDICATORS_OF_SERVICE,
    MAINTENANCES_OF_CLOUD,
    RESOURCES_OF_CLOUD,
    RESOURCES_OF_ORGANIZATION,
    RESOURCES_OF_SERVICE,
    SERVICES_OF_CLOUD,
)
from schema.connections import Connection, ResourcesConnection, connection_of, resources_of, services_of
from schema.edge import Column, Info, by_column, caller_of, edge
from schema.enums import Profile
from schema.node import Node
from schema.verdicts import Permission, viewer_permissions

if TYPE_CHECKING:
    from schema.account_requests import AccountRequest
    from schema.creations import CloudRequest
    from schema.indicators import Indicator
    from schema.maintenances import Maintenance
    from schema.managed_accounts import Account
    from schema.profiles import ProfileProposal
    from schema.resources import Resource
    from schema.sms import SmsSubscription

Resources = ResourcesConnection[Annotated["Resource", strawberry.lazy("schema.resources")]]


@strawberry.type(description="A customer of the platform.")
class Organization(Node):
    """An organization."""

    code: str = strawberry.field(description="Its code, unique over the platform.")
    name: str = strawberry.field(description="Its name.")
    is_group: bool = strawberry.field(
        description="Whether it is part of the cegedim group, which has zones of its own."
    )
    clouds: Connection["Cloud"] = connection_of(
        CLOUDS_OF_ORGANIZATION, parent="id", description="Its Clouds that the caller sees, by name."
    )
    resources: Resources = resources_of(
        RESOURCES_OF_ORGANIZATION, parent="id", description="The resources of its Clouds."
    )
    cloud_requests: Connection[Annotated["CloudRequest", strawberry.lazy("schema.creations")]] = connection_of(
        REQUESTS_OF_ORGANIZATION,
        parent="id",
        description="The Clouds that were requested for it, the last first; for its security representatives and the"
        " platform.",
    )
    accounts: Connection[Annotated["Account", strawberry.lazy("schema.managed_accounts")]] = connection_of(
        ACCOUNTS_OF_ORGANIZATION,
        parent="id",
        description="Its accounts, by address: those with a place or a profile in it, and its API accounts; for its"
        " security representatives and the platform.",
    )
    account_requests: Connection[Annotated["AccountRequest", strawberry.lazy("schema.account_requests")]] = (
        connection_of(
            ACCOUNT_REQUESTS_OF_ORGANIZATION,
            parent="id",
            description="The accounts that were requested for it, the last first; for its security representatives and"
            " the platform.",
        )
    )


def _viewer_profiles(clouds: Sequence[rows.CloudRow], info: Info) -> Column:
    held = {cloud.id: cloud.profiles for cloud in caller_of(info).principal.clouds}
    return [[profile for profile in Profile if profile in held.get(cloud.id, ())] for cloud in clouds]


@strawberry.type(description="A partition of an organization's resources and rights.")
class Cloud(Node):
    """A Cloud."""

    code: str = strawberry.field(description="Its code, unique over the platform, assigned when it is created.")
    name: str = strawberry.field(description="Its name.")
    is_default: bool = strawberry.field(description="Whether it is the one its organization began with.")
    organization: Organization = edge(
        lambda loaders: loaders.organization_by_id, key="organization_id", description="Its organization."
    )
    services: Connection["Service"] = services_of(SERVICES_OF_CLOUD, parent="id", description="Its Services.")
    resources: Resources = resources_of(RESOURCES_OF_CLOUD, parent="id", description="The resources of its Services.")
    maintenances: Connection[Annotated["Maintenance", strawberry.lazy("schema.maintenances")]] = connection_of(
        MAINTENANCES_OF_CLOUD, parent="id", description="Its maintenance windows, the last to start first."
    )
    profile_proposals: Connection[Annotated["ProfileProposal", strawberry.lazy("schema.profiles")]] = connection_of(
        PROPOSALS_OF_CLOUD,
        parent="id",
        description="The profiles that were proposed and given in it, the last first; for the security representatives"
        " of its organization and the platform.",
    )
    viewer_profiles: list[Profile] = by_column(
        _viewer_profiles, description="The profiles that the caller holds in it, the least first."
    )
    viewer_permissions: list[Permission] = viewer_permissions(
        description="What the caller may do with it now, and if not, why."
    )


@strawberry.type(description="A logical group of resources inside a Cloud; it carries no rights.")
class Service(Node):
    """A Service."""

    name: str = strawberry.field(description="Its name, unique in its Cloud.")
    description: str | None = strawberry.field(description="What it is.")
    cloud: Cloud = edge(lambda loaders: loaders.cloud_by_id, key="cloud_id", description="Its Cloud.")
    resources: Resources = resources_of(RESOURCES_OF_SERVICE, parent="id", description="Its resources.")
    indicators: Connection[Annotated["Indicator", strawberry.lazy("schema.indicators")]] = connection_of(
        INDICATORS_OF_SERVICE, parent="id", description="Its health indicators, by name."
    )
    sms_subscription: Annotated["SmsSubscription", strawberry.lazy("schema.sms")] | None = edge(
        lambda loaders: loaders.sms_subscription_by_service, key="id", description="Its SMS account, if it has one."
    )
    viewer_permissions: list[Permission] = viewer_permissions(
        description="What the caller may do with it now, and if not, why."
    )
