"""The mutations, each of which the guard knows."""

import strawberry

from schema.instances import delete_instance, start_instance
from schema.maintenances import create_maintenance


@strawberry.type(description="What can be changed, one mutation in a document.")
class Mutation:
    """What can be changed."""

    start_instance = start_instance
    delete_instance = delete_instance
    create_maintenance = create_maintenance
