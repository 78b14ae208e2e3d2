"""Builds the GraphiQL page: `python -m gateway.web.build`. Needs only the standard library.

A build that stands for the present sources is left as it is.
"""

import gzip
import hashlib
import shutil
import sys
import time
from pathlib import Path
from typing import Final

from gateway.web import DIST, SOURCES
from gateway.web.node import WORK, Node, NodeError, find_node, locked

_STAMP: Final = "stamp"
_COMPRESSED: Final = {".js", ".css", ".ttf", ".svg"}


def build() -> bool:
    """Bring `DIST` up to date with the sources; return whether there was anything to do.

    `DIST` is replaced as a whole by a finished build, never written to. Raises `NodeError`.
    """
    try:
        if _is_built():
            return False
        with locked():
            return _build_if_stale()
    except OSError as error:
        raise NodeError(f"{error.strerror or error}: {error.filename or SOURCES}") from error


def main() -> int:
    """Build, and return the exit status."""
    try:
        if not build():
            _say(f"is up to date in {DIST}")
    except NodeError as error:
        sys.stderr.write(f"GraphiQL cannot be built: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def sources_digest() -> str:
    """Return the SHA-256 of everything a build depends on, in hex."""
    files = [SOURCES / name for name in (".npmrc", "package.json", "package-lock.json", "vite.config.js", "index.html")]
    for folder in ("src", "examples"):
        files += sorted(path for path in (SOURCES / folder).rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in (*files, Path(__file__)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(SOURCES)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _is_built() -> bool:
    return _read(DIST / _STAMP) == sources_digest()


def _build_if_stale() -> bool:
    if _is_built():
        return False
    started = time.monotonic()
    node = find_node(_say)
    _install_packages(node)
    _say("is being bundled")
    fresh = WORK / "dist"
    shutil.rmtree(fresh, ignore_errors=True)
    vite = SOURCES / "node_modules" / "vite" / "bin" / "vite.js"
    node.run(vite, "build", "--outDir", str(fresh), "--emptyOutDir", folder=SOURCES)
    _compress(fresh / "assets")
    (fresh / _STAMP).write_text(sources_digest())
    _swap(fresh)
    size = sum(path.stat().st_size for path in DIST.rglob("*") if path.suffix != ".gz") / 1e6
    _say(f"was built in {time.monotonic() - started:.0f} s: {size:.1f} MB in {DIST}")
    return True


def _install_packages(node: Node) -> None:
    modules = SOURCES / "node_modules"
    digest = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()
    stamp = modules / f".{_STAMP}"
    if _read(stamp) == digest:
        return
    _say(f"needs its npm packages: installing them (Node from {node.origin})")
    node.install("--include=dev", "--include=optional", folder=SOURCES)
    stamp.write_text(digest)


def _compress(assets: Path) -> None:
    for path in assets.iterdir():
        if path.suffix in _COMPRESSED:
            # No time of day in the file: the same sources give the same bytes.
            compressed = gzip.compress(path.read_bytes(), mtime=0)
            path.with_name(f"{path.name}.gz").write_bytes(compressed)


def _swap(fresh: Path) -> None:
    """Put a finished build in the place of the last one; between the two the page is briefly not built."""
    last = WORK / "dist.last"
    shutil.rmtree(last, ignore_errors=True)
    if DIST.exists():
        DIST.rename(last)
    fresh.rename(DIST)
    shutil.rmtree(last, ignore_errors=True)


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _say(sentence: str) -> None:
    sys.stdout.write(f"GraphiQL {sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
