"""The mutations, each of which the guard knows."""

import strawberry

from schema.indicators import create_indicator, delete_indicator, update_indicator
from schema.instances import delete_instance, start_instance
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
from schema.sms import subscribe_vortext


@strawberry.type(description="What can be changed, one mutation in a document.")
class Mutation:
    """What can be changed."""

    start_instance = start_instance
    delete_instance = delete_instance
    create_maintenance = create_maintenance
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
