"""Health indicators of Services."""

from datetime import datetime

import strawberry

from schema.edge import edge
from schema.enums import IndicatorKind
from schema.node import Node
from schema.organizations import Service


@strawberry.type(description="A named health check of a Service.")
class Indicator(Node):
    """An indicator."""

    name: str = strawberry.field(description="Its name, unique in its Service.")
    kind: IndicatorKind = strawberry.field(description="How it looks at its target.")
    target: str = strawberry.field(description="What it looks at: a URL, an address and port, a metric.")
    threshold: float | None = strawberry.field(description="From which value on it alerts, in the unit of the check.")
    created_at: datetime = strawberry.field(description="When it was created.")
    service: Service = edge(lambda loaders: loaders.service_by_id, key="service_id", description="Its Service.")
