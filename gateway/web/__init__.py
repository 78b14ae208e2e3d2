"""The sources of the GraphiQL page, and what builds them into `DIST`."""

from pathlib import Path
from typing import Final

SOURCES: Final = Path(__file__).parent
DIST: Final = SOURCES / "dist"
