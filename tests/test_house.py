"""The house rules that a machine can hold."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ["auth", "benchmarks", "gateway", "resolvers", "schema"]
MODULES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "node_modules" not in path.parts
)
NPM_LOCKS = [
    ROOT / folder / "package-lock.json"
    for folder in ("gateway/web", "benchmarks/node", "tests/gateway/openid/javascript")
]
LOCKS = [ROOT / "requirements.lock", ROOT / "gateway" / "web" / "node-requirements.lock"]
MOST_LINES = 400


def test_imports_point_down_only() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    found = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert found.returncode == 0, found.stdout


def test_every_folder_of_the_packages_is_a_package() -> None:
    assert [path for path in MODULES if not (path.parent / "__init__.py").is_file()] == []


def test_modules_stay_short_or_become_packages_split_by_role() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in MODULES}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_holds_versions_and_hashes_and_says_not_where_from(lock: Path) -> None:
    allowed = re.compile(r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==[\w.]+( ; [^/:@]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [line for line in lock.read_text().splitlines() if not allowed.fullmatch(line)] == []


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=lambda path: path.parent.name)
def test_a_lock_of_npm_says_not_where_from(lock: Path) -> None:
    assert re.findall(r'"resolved"|https?://', lock.read_text()) == []


def test_every_requirement_is_locked() -> None:
    locked = set(re.findall(r"^([a-z0-9-]+)", LOCKS[0].read_text(), re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    requirements = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    named = {re.split(r"[^a-z0-9-]", requirement)[0] for requirement in requirements}
    assert {"starlette", "pytest"} <= named
    assert named - locked == set()
