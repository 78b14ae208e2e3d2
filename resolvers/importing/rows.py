"""One row of the input becomes one staged row: every value is read, every error noted."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

import orjson

from auth.tables import uuid7
from resolvers.importing.catalogue import Catalogue
from resolvers.importing.columns import IDENTITY, NETWORK, Column, Rule, Unset, rules
from resolvers.importing.directory import Directory, KnownOrganization
from resolvers.importing.errors import ErrorLog, WrongValue
from resolvers.importing.reading import InputRow
from resolvers.importing.values import shown
from resolvers.tables import ResourceType, ZoneAudience

_NOT_KEPT: Final = frozenset(
    {"organization", "organization_name", "cloud", "service", "product", "network_scope", *NETWORK}
)
"""Columns that are kept as identifiers, or not with the resource."""

_TYPES: Final = tuple(ResourceType)

T = TypeVar("T")


class StagedRow(NamedTuple):
    """A row of the staging table. `given` is JSON: the columns of the resource and of its detail that the row sets."""

    ordinal: int
    source: int
    line: int
    id: UUID
    organization_id: UUID | None
    cloud_id: UUID | None
    service_id: UUID | None
    type: str | None
    name: str | None
    external_id: str | None
    given: str


class RowReader:
    """Reads the rows of one import, one after another."""

    def __init__(self, known: dict[str, Column], catalogue: Catalogue, directory: Directory, log: ErrorLog) -> None:
        self._catalogue = catalogue
        self._directory = directory
        self._log = log
        self._rules = rules(known)
        self._any_type = {name: Rule(column.kind, Unset.ABSENT) for name, column in known.items()}
        self._ordinal = 0

    def read(self, row: InputRow) -> StagedRow:
        """Read a row; what is wrong goes to the log, and the rest is staged, to be held against the other rows."""
        self._ordinal += 1
        values, wrong = self._values(row)
        organization, cloud_id, service_id = self._containers(row, values)
        self._place(row, values, organization)
        self._network(row, values, organization)
        self._agreement(row, values)
        given = {name: value for name, value in values.items() if name not in _NOT_KEPT}
        given["service_id"] = service_id
        if "product" in values:
            given["product_id"] = values["product"]
        # What is wrong has been told once; it must not look left out as well.
        given |= dict.fromkeys(wrong)
        return StagedRow(
            ordinal=self._ordinal,
            source=row.source,
            line=row.line,
            id=uuid7(),
            organization_id=organization.id if organization else None,
            cloud_id=cloud_id,
            service_id=service_id,
            type=values.get("type"),
            name=values.get("name"),
            external_id=values.get("external_id"),
            given=orjson.dumps(given, default=str).decode(),
        )

    def _values(self, row: InputRow) -> tuple[dict[str, Any], set[str]]:
        """Read every value; tell also which columns are wrong."""
        type_ = row.values.get("type")
        of_type = self._rules[ResourceType(str(type_))] if type_ in _TYPES else self._any_type
        values: dict[str, Any] = {}
        wrong: set[str] = set(row.reported)
        for name, value in row.values.items():
            try:
                found = _value(of_type.get(name), value, as_text=row.as_text)
            except WrongValue as error:
                self._note(row, name, error.problem, error.expected)
                wrong.add(name)
            else:
                if found is not Unset.ABSENT:
                    values[name] = found
        for name in IDENTITY:
            if name not in values and name not in wrong:
                self._note(row, name, "is missing", "a value in every row")
        if "availability_zones" in wrong:
            wrong.add("data_centers")  # they may have to be derived
        return values, wrong

    def _containers(
        self, row: InputRow, values: dict[str, Any]
    ) -> tuple[KnownOrganization | None, UUID | None, UUID | None]:
        """Find organization, Cloud and Service, as far as the row names them."""
        directory = self._directory
        organization = cloud = service_id = None
        if "organization" in values:
            organization = self._try(row, "organization", directory.organization, values["organization"])
        if organization and "organization_name" in values:
            self._try(row, "organization_name", directory.name_organization, organization, values["organization_name"])
        if organization and "cloud" in values:
            cloud = self._try(row, "cloud", directory.cloud, organization, values["cloud"])
        if cloud and "service" in values:
            service_id = self._try(row, "service", directory.service, cloud, values["service"])
        return organization, cloud.id if cloud else None, service_id

    def _place(self, row: InputRow, values: dict[str, Any], organization: KnownOrganization | None) -> None:
        """Derive the data centers from the zones where they are left out, and hold both against each other."""
        of_zone = self._catalogue.zones
        zones: Sequence[str] = values.get("availability_zones", ())
        if not values.get("data_centers"):
            values.pop("data_centers", None)
            if zones and not self._was_given(row, "data_centers"):
                values["data_centers"] = list(dict.fromkeys(of_zone[zone][0] for zone in zones))
        for zone in zones:
            data_center, audience = of_zone[zone]
            if data_center not in values.get("data_centers", (data_center,)):
                self._note(row, "data_centers", f"{zone} is in {data_center}, which is not among them", data_center)
            if audience is ZoneAudience.GROUP and organization and not organization.is_group:
                problem = f"{zone} is reserved for the group, which {shown(organization.code)} is no part of"
                clients = (code for code, (_, who) in of_zone.items() if who is ZoneAudience.CLIENT)
                self._note(row, "availability_zones", problem, f"one of {', '.join(sorted(clients))}")

    def _network(self, row: InputRow, values: dict[str, Any], organization: KnownOrganization | None) -> None:
        """Find the network, which takes its area, its VLAN and its CIDR."""
        given = [column for column in NETWORK if self._was_given(row, column)]
        if not given:
            if self._was_given(row, "network_scope"):
                self._note(row, "network_scope", "is given without a network", f"{', '.join(NETWORK)} too")
            if any(column in values for column in NETWORK):
                values["network_id"] = None
            return
        missing = [column for column in NETWORK if column not in given]
        if missing:
            self._note(row, given[0], f"is given without {' and '.join(missing)}", "all three of them, or none")
            return
        if organization is None or any(column not in values for column in NETWORK):
            return
        data_centers = values.get("data_centers")
        if not data_centers:
            self._note(row, "area", "is given without a place", "data_centers or availability_zones too")
            return
        regions = [self._catalogue.data_centers[code] for code in data_centers]
        prefix = (values["cidr"], values["vlan"])
        values["network_id"] = self._try(
            row,
            "area",
            self._directory.network,
            organization,
            values["area"],
            prefix,
            values.get("network_scope"),
            regions,
        )

    def _agreement(self, row: InputRow, values: dict[str, Any]) -> None:
        """Hold values against each other."""
        created_at, updated_at = values.get("created_at"), values.get("updated_at")
        if created_at and updated_at and datetime.fromisoformat(updated_at) < datetime.fromisoformat(created_at):
            self._note(row, "updated_at", "is before created_at", "a moment after it")
        if values.get("patching_excluded_reason") and values.get("patching_excluded") is False:
            self._note(row, "patching_excluded_reason", "is given though nothing is excluded", "patching_excluded true")

    def _was_given(self, row: InputRow, column: str) -> bool:
        """Tell whether a row fills a column, rightly or wrongly."""
        value = row.values.get(column)
        return value is not None and value != ("" if row.as_text else [])

    def _try(self, row: InputRow, column: str, call: Callable[..., T], *arguments: Any) -> T | None:
        try:
            return call(*arguments)
        except WrongValue as wrong:
            self._note(row, column, wrong.problem, wrong.expected)
            return None

    def _note(self, row: InputRow, column: str, problem: str, expected: str | None = None) -> None:
        self._log.add(row.source, row.line, column, problem, expected)


def _value(rule: Rule | None, value: object, *, as_text: bool) -> object:
    """Read one value; a rule is missing where the type of resource has no such column."""
    empty = value is None or (as_text and value == "")
    if rule is None:
        if empty:
            return Unset.ABSENT
        raise WrongValue(f"{shown(value)} is given", "nothing, for that type of resource has no such property")
    if not empty:
        return rule.kind.from_text(str(value)) if as_text else rule.kind.from_json(value)
    if rule.unset is Unset.REFUSED:
        raise WrongValue("is empty", "a value")
    return rule.unset
