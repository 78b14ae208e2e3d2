"""The mark that a data folder holds a demo: its accounts are known to everybody, so it may do what others may not."""

import json
import tempfile
from pathlib import Path

from gateway.settings import Settings


def is_demo(settings: Settings) -> bool:
    """Whether this is a demo: by its setting, or by the mark beside an embedded database, which only `demo` makes."""
    return settings.demo or (settings.database_url is None and _mark(settings).is_file())


def demo_resources(settings: Settings) -> int | None:
    """How many resources the demo of this data folder was made with; None if it holds none."""
    try:
        return int(json.loads(_mark(settings).read_bytes())["resources"])
    except FileNotFoundError:
        return None


def mark_demo(settings: Settings, resources: int) -> None:
    """Marks the data folder as a demo's."""
    mark = _mark(settings)
    with tempfile.NamedTemporaryFile("w", dir=mark.parent, prefix=mark.name, delete=False) as draft:
        json.dump({"resources": resources}, draft)
    Path(draft.name).replace(mark)


def unmark_demo(settings: Settings) -> None:
    """Takes the mark away."""
    _mark(settings).unlink(missing_ok=True)


def _mark(settings: Settings) -> Path:
    return settings.data_dir / "demo.json"
