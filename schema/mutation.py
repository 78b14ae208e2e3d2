"""The mutations, each of which the guard knows."""

import strawberry

from schema.clusters import (
    create_cluster,
    create_cluster_namespace,
    create_cluster_nodes,
    delete_cluster_namespace,
    delete_cluster_nodes,
)
from schema.instances import delete_instance, start_instance
from schema.maintenances import create_maintenance
from schema.object_stores import (
    create_object_stores,
    create_user_objectstores,
    delete_object_stores,
    delete_user_objectstores,
    update_object_stores,
    update_user_objectstores,
)


@strawberry.type(description="What can be changed, one mutation in a document.")
class Mutation:
    """What can be changed."""

    start_instance = start_instance
    delete_instance = delete_instance
    create_maintenance = create_maintenance
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
