"""The mutations, each of which the guard knows."""

import strawberry

from schema.aliases import create_dns, create_dns_lb, delete_dns, delete_dns_lb
from schema.creations import create_cloud, create_organization, create_service, request_cloud
from schema.instances import (
    create_instance,
    delete_instance,
    reset_instance,
    resize_compute_instance,
    start_instance,
    stop_instance,
)
from schema.maintenances import create_maintenance
from schema.monitoring import (
    disable_monitoring_instance,
    disable_monitoring_lb,
    enable_monitoring_instance,
    enable_monitoring_lb,
)
from schema.profiles import approve_profile, propose_profile, withdraw_profile
from schema.representatives import appoint_representative, dismiss_representative
from schema.snapshots import create_snapshot, delete_snapshot, recover_snapshot
from schema.tags import set_tags


@strawberry.type(description="What can be changed, one mutation in a document.")
class Mutation:
    """What can be changed."""

    create_instance = create_instance
    start_instance = start_instance
    stop_instance = stop_instance
    reset_instance = reset_instance
    resize_compute_instance = resize_compute_instance
    delete_instance = delete_instance
    enable_monitoring_instance = enable_monitoring_instance
    disable_monitoring_instance = disable_monitoring_instance
    create_snapshot = create_snapshot
    recover_snapshot = recover_snapshot
    delete_snapshot = delete_snapshot
    create_dns = create_dns
    delete_dns = delete_dns
    enable_monitoring_lb = enable_monitoring_lb
    disable_monitoring_lb = disable_monitoring_lb
    create_dns_lb = create_dns_lb
    delete_dns_lb = delete_dns_lb
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
