"""The mutations, each of which the guard knows."""

import strawberry

from schema.creations import create_cloud, create_organization, create_service, request_cloud
from schema.instances import delete_instance, start_instance
from schema.maintenances import create_maintenance
from schema.profiles import approve_profile, propose_profile, withdraw_profile
from schema.representatives import appoint_representative, dismiss_representative
from schema.tags import set_tags


@strawberry.type(description="What can be changed, one mutation in a document.")
class Mutation:
    """What can be changed."""

    start_instance = start_instance
    delete_instance = delete_instance
    create_maintenance = create_maintenance
    create_organization = create_organization
    request_cloud = request_cloud
    create_cloud = create_cloud
    create_service = create_service
    set_tags = set_tags
    propose_profile = propose_profile
    approve_profile = approve_profile
    withdraw_profile = withdraw_profile
    appoint_representative = appoint_representative
    dismiss_representative = dismiss_representative
