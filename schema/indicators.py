"""Health indicators of Services."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import strawberry
from strawberry import ID, UNSET

from auth.permissions import Action
from resolvers.commands import indicators as commands
from resolvers.commands.outcome import UserError as UserErrorRow
from resolvers.commands.submission import Change
from resolvers.context import Caller
from schema.actions import action
from schema.edge import edge
from schema.enums import IndicatorKind
from schema.ids import key_in
from schema.node import Node
from schema.organizations import Service
from schema.payloads import ChangeInput, CommonInput, Payload, revision_in


@strawberry.type(description="A named health check of a Service.")
class Indicator(Node):
    """An indicator."""

    name: str = strawberry.field(description="Its name, unique in its Service.")
    kind: IndicatorKind = strawberry.field(description="How it looks at its target.")
    target: str = strawberry.field(description="What it looks at: a URL, an address and port, a metric.")
    threshold: float | None = strawberry.field(description="From which value on it alerts, in the unit of the check.")
    revision: int = strawberry.field(description="A number that grows with every change of it.")
    created_at: datetime = strawberry.field(description="When it was created.")
    service: Service = edge(lambda loaders: loaders.service_by_id, key="service_id", description="Its Service.")


@strawberry.input(description="The indicator to add.")
class CreateIndicatorInput(CommonInput):
    """The indicator to add."""

    service_id: ID = strawberry.field(description="Its Service.")
    name: str = strawberry.field(description="Its name, free in its Service: 1 to 200 characters, no slash.")
    kind: IndicatorKind = strawberry.field(description="How it looks at its target.")
    target: str = strawberry.field(
        description="What it looks at: of HTTP a URL, of TCP a host and port, of METRIC the name of a metric. It holds"
        " no credentials, and no private or otherwise reserved address."
    )
    threshold: float | None = strawberry.field(
        default=UNSET, description="From which value on it alerts, in the unit of the check."
    )


@strawberry.type(description="What came of adding an indicator.")
class CreateIndicatorPayload(Payload):
    """What came of adding an indicator."""

    subject_name, loader = "indicator", "indicator_by_id"

    indicator: Indicator | None = strawberry.field(description="The indicator; null if nothing was done.")


def _values(asked: Any) -> dict[str, Any]:
    """Give what an input says of an indicator, by the names of its columns."""
    said = {name: getattr(asked, name) for name in ("name", "kind", "target", "threshold")}
    return {
        name: value.value if isinstance(value, IndicatorKind) else value
        for name, value in said.items()
        if value is not UNSET
    }


def _check_new(asked: CreateIndicatorInput, now: datetime) -> Sequence[UserErrorRow]:
    return commands.check_indicator(_values(asked))


@action(Action.CREATE_INDICATOR, payload=CreateIndicatorPayload, check=_check_new)
def create_indicator(caller: Caller, input: CreateIndicatorInput) -> Change:  # noqa: A002
    """Add an indicator to a Service."""
    return commands.create_indicator(key_in(input.service_id), _values(input))


@strawberry.input(description="What to change of an indicator; what is left out stays as it is.")
class UpdateIndicatorInput(ChangeInput):
    """What to change of an indicator."""

    indicator_id: ID = strawberry.field(description="The indicator.")
    name: str | None = strawberry.field(default=UNSET, description="Its name to be, free in its Service.")
    kind: IndicatorKind | None = strawberry.field(default=UNSET, description="How it is to look at its target.")
    target: str | None = strawberry.field(default=UNSET, description="What it is to look at.")
    threshold: float | None = strawberry.field(
        default=UNSET, description="From which value on it is to alert; null: from none."
    )


@strawberry.type(description="What came of changing an indicator.")
class UpdateIndicatorPayload(Payload):
    """What came of changing an indicator."""

    subject_name, loader = "indicator", "indicator_by_id"

    indicator: Indicator | None = strawberry.field(
        description="The indicator, as it is until the operation ends; null if nothing was done."
    )


def _check_changes(asked: UpdateIndicatorInput, now: datetime) -> Sequence[UserErrorRow]:
    return commands.check_changes(_values(asked))


@action(Action.UPDATE_INDICATOR, payload=UpdateIndicatorPayload, check=_check_changes)
def update_indicator(caller: Caller, input: UpdateIndicatorInput) -> Change:  # noqa: A002
    """Change an indicator."""
    return commands.update_indicator(key_in(input.indicator_id), _values(input), revision_in(input))


@strawberry.input(description="Which indicator to delete.")
class DeleteIndicatorInput(ChangeInput):
    """Which indicator to delete."""

    indicator_id: ID = strawberry.field(description="The indicator.")


@strawberry.type(description="What came of deleting an indicator.")
class DeleteIndicatorPayload(Payload):
    """What came of deleting an indicator."""

    subject_name, loader = "indicator", "indicator_by_id"

    indicator: Indicator | None = strawberry.field(description="The indicator, if it is still there.")


@action(Action.DELETE_INDICATOR, payload=DeleteIndicatorPayload)
def delete_indicator(caller: Caller, input: DeleteIndicatorInput) -> Change:  # noqa: A002
    """Delete an indicator."""
    return commands.delete_indicator(key_in(input.indicator_id), revision_in(input))
