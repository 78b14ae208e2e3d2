"""SMS (Vortext) accounts of Services."""

from datetime import datetime

import strawberry

from schema.edge import edge
from schema.node import Node
from schema.organizations import Service


@strawberry.type(description="The SMS (Vortext) account of a Service.")
class SmsSubscription(Node):
    """An SMS subscription."""

    sender: str = strawberry.field(description="The sender that messages show.")
    per_minute: int = strawberry.field(description="How many messages a minute it may send.")
    per_hour: int = strawberry.field(description="How many messages an hour it may send.")
    allowed_numbers: list[str] = strawberry.field(description="The numbers it may send to; empty: all.")
    created_at: datetime = strawberry.field(description="When it was opened.")
    service: Service = edge(lambda loaders: loaders.service_by_id, key="service_id", description="Its Service.")
