"""The shape of the house."""

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("geo_risk", "layers", "maps", "api")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
TEXTS = {".py", ".js", ".css", ".html", ".md", ".txt", ".toml", ".json", ""}
OURS = [
    path
    for folder in (*PACKAGES, "tests", "docs", "bench", "constraints", ".ci")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.is_file() and path.suffix in TEXTS and "vendor" not in path.parts
]
HOSTS = re.compile(
    r"https?://(cdn\.|unpkg|cdnjs|code\.jquery|fonts\.g|netdna|maxcdn)"
    r"|files\.python" + r"hosted|registry\.npm" + r"js|pypi\.or" + r"g"
)


def test_module_names_are_unique_over_the_packages() -> None:
    public = [path.stem for path in MODULES if not path.stem.startswith("_") and "_" not in path.parent.name[:1]]
    assert [name for name, count in Counter(public).items() if count > 1] == []


def test_tests_are_flat() -> None:
    assert [path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is_and_imports_absolutely(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree))


def test_no_file_names_an_outside_host_of_code() -> None:
    assert [str(path.relative_to(ROOT)) for path in OURS if HOSTS.search(path.read_text(encoding="utf-8", errors="replace"))] == []


def test_nothing_happens_on_import(tmp_path: Path) -> None:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in MODULES]
    # the build hook runs in the build's own environment, env.py in alembic's; __main__ is what a process starts with
    harmless = [name for name in names if not name.endswith(("_build_assets", "__main__", "migrations.env"))]
    script = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"
    done = subprocess.run([sys.executable, "-c", script, *harmless], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
