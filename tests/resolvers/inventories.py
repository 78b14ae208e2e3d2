"""Inventories to import, and what is in the database afterwards."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, Row, text
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.postgres import DatabaseUrls
from resolvers.importing import Format, ImportRefused, ImportSummary, RowError, Source, import_inventory

Content = Sequence[Mapping[str, Any]] | str | bytes

OF_TYPE: dict[str, dict[str, Any]] = {
    "INSTANCE": {"family": "DEBIAN", "os_type": "LINUX", "cpu": 2, "ram_gb": 4, "disk_gb": 20},
    "LOAD_BALANCER": {"protocol": "HTTPS", "port": 443},
    "OBJECT_STORE": {"quota_gb": 100},
    "KUBERNETES_CLUSTER": {"kubernetes_version": "1.34", "ingress": "NGINX"},
    "MANAGED_DATABASE": {"family": "POSTGRESQL"},
    "MESSAGE_BROKER": {"family": "KAFKA"},
    "APPLICATION_SERVER": {"family": "TOMCAT"},
    "FILE_STORAGE": {"family": "GLUSTERFS"},
}
"""What a new resource of each type must have of its own."""


def as_ndjson(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write rows as CSV, the columns of all of them in the header."""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    return written.getvalue()


def cell(value: Any) -> Any:
    """Write a value as a cell holds it."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            pairs = ";".join(f"{key}:{value}" for key, value in value.items())
            plain = all(";" not in key + value and key == key.strip() for key, value in value.items())
            return pairs if plain and not pairs.startswith("{") else json.dumps(value)
        case list():
            return ";".join(value)
    return value


@dataclass
class Inventories:
    """Imports into one database, as its owner; rows are in an organization of the test's own."""

    urls: DatabaseUrls
    folder: Path
    organization: str
    _files: int = field(default=0)

    def row(self, name: str, type_: str = "INSTANCE", /, **given: Any) -> dict[str, Any]:
        """A valid row of a resource that is new."""
        common = {
            "organization": self.organization,
            "cloud": f"{self.organization}-main",
            "service": "shop",
            "type": type_,
            "name": name,
            "external_id": f"cmdb-{name}",
            "status": "ACTIVE",
            "environment": "production",
            "data_centers": ["EB4"],
        }
        return common | OF_TYPE[type_] | given

    def source(self, content: Content, format_: Format = Format.NDJSON, name: str | None = None) -> Source:
        if not isinstance(content, str | bytes):
            content = (as_csv if format_ is Format.CSV else as_ndjson)(content)
        self._files += 1
        path = self.folder / f"{self._files}.{format_}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Source(name or f"inventory.{format_}", format_, path)

    async def load(self, content: Content, format_: Format = Format.NDJSON, **options: Any) -> ImportSummary:
        return await import_inventory(self.urls.owner, [self.source(content, format_)], **options)

    async def refusal(self, content: Content, format_: Format = Format.NDJSON, **options: Any) -> list[RowError]:
        """The errors for which an input is refused, after checking that nothing was written."""
        before = await self.resources()
        with pytest.raises(ImportRefused) as refused:
            await self.load(content, format_, **options)
        assert await self.resources() == before
        return list(refused.value.errors)

    async def errors(self, content: Content, format_: Format = Format.NDJSON, **options: Any) -> list[str]:
        return [str(error) for error in await self.refusal(content, format_, **options)]

    async def query(self, statement: str, **parameters: object) -> list[Row[Any]]:
        engine = create_async_engine(self.urls.owner, poolclass=NullPool)
        async with engine.connect() as connection:
            rows = (await connection.execute(text(statement), parameters)).all()
        await engine.dispose()
        return list(rows)

    async def resources(self) -> dict[str, dict[str, Any]]:
        """Every resource of the organization by its external id, with its place and its detail."""
        rows = await self.query(
            "SELECT r.*, c.code AS cloud, s.name AS service, p.code AS product, n.cidr, n.vlan, a.code AS area,"
            " coalesce(to_jsonb(i), to_jsonb(l), to_jsonb(o), to_jsonb(k), to_jsonb(m)) AS detail FROM resource r"
            " JOIN organization og ON og.id = r.organization_id JOIN cloud c ON c.id = r.cloud_id"
            " JOIN service s ON s.id = r.service_id LEFT JOIN product p ON p.id = r.product_id"
            " LEFT JOIN network n ON n.id = r.network_id LEFT JOIN area a ON a.id = n.area_id"
            " LEFT JOIN instance i ON i.resource_id = r.id LEFT JOIN load_balancer l ON l.resource_id = r.id"
            " LEFT JOIN object_store o ON o.resource_id = r.id LEFT JOIN kubernetes_cluster k ON k.resource_id = r.id"
            " LEFT JOIN middleware m ON m.resource_id = r.id WHERE og.code = :code",
            code=self.organization,
        )
        return {row.external_id: dict(row._mapping) for row in rows}
