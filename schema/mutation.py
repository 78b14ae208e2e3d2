"""The mutations, each of which the guard knows."""

import strawberry

from schema.account_requests import approve_account, refuse_account, request_account
from schema.aliases import create_dns, create_dns_lb, delete_dns, delete_dns_lb
from schema.clients import add_client_key, add_client_secret, revoke_client_credential
from schema.clusters import (
    create_cluster,
    create_cluster_namespace,
    create_cluster_nodes,
    delete_cluster_namespace,
    delete_cluster_nodes,
)
from schema.creations import create_cloud, create_organization, create_service, refuse_cloud, request_cloud
from schema.indicators import create_indicator, delete_indicator, update_indicator
from schema.instances import (
    create_instance,
    delete_instance,
    reset_instance,
    resize_compute_instance,
    start_instance,
    stop_instance,
)
from schema.load_balancers import (
    add_member_lb,
    create_lb,
    delete_lb,
    delete_member_lb,
    start_lb,
    stop_lb,
    update_member_state,
)
from schema.maintenances import create_maintenance, delete_maintenance
from schema.managed_accounts import (
    approve_factor,
    disable_account,
    enable_account,
    link_identity,
    resend_invitation,
    reset_factors,
    unlink_identity,
)
from schema.monitoring import (
    disable_monitoring_instance,
    disable_monitoring_lb,
    enable_monitoring_instance,
    enable_monitoring_lb,
)
from schema.object_stores import (
    create_object_stores,
    create_user_objectstores,
    delete_object_stores,
    delete_user_objectstores,
    update_object_stores,
    update_user_objectstores,
)
from schema.profiles import approve_profile, propose_profile, withdraw_profile
from schema.representatives import appoint_representative, dismiss_representative
from schema.sms import subscribe_vortext
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
    refuse_cloud = refuse_cloud
    create_service = create_service
    set_tags = set_tags
    request_account = request_account
    approve_account = approve_account
    refuse_account = refuse_account
    resend_invitation = resend_invitation
    disable_account = disable_account
    enable_account = enable_account
    link_identity = link_identity
    unlink_identity = unlink_identity
    propose_profile = propose_profile
    approve_profile = approve_profile
    withdraw_profile = withdraw_profile
    appoint_representative = appoint_representative
    dismiss_representative = dismiss_representative
    approve_factor = approve_factor
    reset_factors = reset_factors
    add_client_secret = add_client_secret
    add_client_key = add_client_key
    revoke_client_credential = revoke_client_credential
    create_object_stores = create_object_stores
    update_object_stores = update_object_stores
    delete_object_stores = delete_object_stores
    create_user_objectstores = create_user_objectstores
    update_user_objectstores = update_user_objectstores
    delete_user_objectstores = delete_user_objectstores
    create_cluster = create_cluster
    create_cluster_namespace = create_cluster_namespace
    delete_cluster_namespace = delete_cluster_namespace
    create_cluster_nodes = create_cluster_nodes
    delete_cluster_nodes = delete_cluster_nodes
    delete_maintenance = delete_maintenance
    create_lb = create_lb
    start_lb = start_lb
    stop_lb = stop_lb
    delete_lb = delete_lb
    add_member_lb = add_member_lb
    delete_member_lb = delete_member_lb
    update_member_state = update_member_state
    create_indicator = create_indicator
    update_indicator = update_indicator
    delete_indicator = delete_indicator
    subscribe_vortext = subscribe_vortext
