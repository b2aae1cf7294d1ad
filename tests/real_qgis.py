"""QGIS itself, without its window: Debian's package, in the Python it is made for, in a process of its own."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from conftest import missing

PYTHON = "/usr/bin/python3"
_SESSION = Path(__file__).with_name("qgis_session.py")
_ENDS_S = 60


def require_qgis() -> None:
    """Stop without QGIS."""
    if subprocess.run([PYTHON, "-c", "import qgis.core"], capture_output=True).returncode:
        missing("QGIS", "apt-get install --no-install-recommends python3-qgis qgis-providers")


def qgis(home: Path, *asked: dict[str, Any]) -> list[dict[str, Any]]:
    """What QGIS tells of each thing that `qgis_session` is asked to do; its settings are in a folder of their own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"QT_QPA_PLATFORM": "offscreen", "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    done = subprocess.run(
        [PYTHON, str(_SESSION)], input=json.dumps(asked), capture_output=True, text=True, env=environment, timeout=_ENDS_S
    )
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return told
