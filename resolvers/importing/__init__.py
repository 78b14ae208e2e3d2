"""Imports inventories of other systems: CSV or NDJSON, one resource per line, all of it or nothing.

sources → reading → rows → staging → checks → merging
lines     values    staged   the whole input   new and changed resources
"""

from resolvers.importing.errors import ImportInterrupted, ImportRefused, RowError
from resolvers.importing.inventory import ImportSummary, Progress, Stage, import_inventory
from resolvers.importing.reading import Format, Source, sources_of

__all__ = [
    "Format",
    "ImportInterrupted",
    "ImportRefused",
    "ImportSummary",
    "Progress",
    "RowError",
    "Source",
    "Stage",
    "import_inventory",
    "sources_of",
]
