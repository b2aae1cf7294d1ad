"""The JavaScript we ship: pinned, whole, licensed, and asked of no outside host."""

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import missing

from maps import _build_assets as assets

MAPS = Path(assets.__file__).parent
VENDOR = MAPS / "static" / "vendor"
LOCK = json.loads((MAPS / "package-lock.json").read_text(encoding="utf-8"))
PINS = json.loads((MAPS / "package.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def manifest() -> dict:
    if not (VENDOR / "manifest.json").is_file():
        missing("the map's JavaScript", "build the package: pip install -e .")
    return json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))


def test_every_version_is_exact_and_locked_with_a_hash() -> None:
    for name, version in PINS["dependencies"].items():
        entry = LOCK["packages"][f"node_modules/{name}"]
        assert (entry["version"], entry["integrity"][:7]) == (version, "sha512-")


def test_nothing_is_locked_that_is_not_shipped() -> None:
    locked = {path.removeprefix("node_modules/") for path in LOCK["packages"] if path}
    assert locked - set(PINS["assets"]) == {"@scarf/scarf"}, (
        "swagger-ui-dist's download counter: its script is not run, nothing of it is shipped"
    )


@pytest.mark.parametrize("name", ["package.json", "package-lock.json", "_build_assets.py"])
def test_no_host_is_named(name: str) -> None:
    assert re.findall(r"https?:|\bwww\.|resolved\"", (MAPS / name).read_text(encoding="utf-8")) == []


def test_every_file_is_what_the_manifest_says(manifest: dict) -> None:
    assert manifest["made_from"] == assets.pins_digest(MAPS)
    for file in (file for package in manifest["packages"] for file in package["files"]):
        content = (VENDOR / file["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode() == file["integrity"]


def test_no_file_lies_there_unnamed(manifest: dict) -> None:
    named = {file["path"] for package in manifest["packages"] for file in package["files"]}
    lying = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert lying - named == {"manifest.json"}


def test_every_package_ships_its_licence(manifest: dict) -> None:
    for package in manifest["packages"]:
        text = (VENDOR / package["licence_file"]).read_text(encoding="utf-8")
        assert "copyright" in text.lower()
        assert package["licence"] in {"Apache-2.0", "MIT", "MIT License", "BSD-2-Clause"}


def test_style_sheets_load_only_files_that_are_shipped(manifest: dict) -> None:
    for sheet in VENDOR.rglob("*.css"):
        for target in re.findall(r"url\(\s*['\"]?([^'\")]+)", sheet.read_text(encoding="utf-8")):
            assert target.startswith(("data:", "#")) or (sheet.parent / target).is_file(), (sheet.name, target)


def test_the_maps_scripts_need_no_eval(manifest: dict) -> None:
    for script in VENDOR.glob("leaflet*/**/*.js"):
        assert re.findall(r"\beval\(|new Function|\bFunction\(", script.read_text(encoding="utf-8")) == [], script.name


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """A folder of maps with one package of one file, as npm would leave it."""
    (tmp_path / "package.json").write_text('{"assets": {"dot": ["LICENSE"]}}')
    (tmp_path / "package-lock.json").write_text('{"packages": {"node_modules/dot": {"version": "1.0.0", "license": "MIT"}}}')
    return tmp_path


def npm_leaves(monkeypatch: pytest.MonkeyPatch, **files: str) -> list[Path]:
    calls: list[Path] = []

    def install(work: Path) -> None:
        calls.append(work)
        for name, text in files.items():
            (work / "node_modules" / "dot").mkdir(parents=True, exist_ok=True)
            (work / "node_modules" / "dot" / name).write_text(text)

    monkeypatch.setattr(assets, "install", install)
    return calls


def test_a_second_build_asks_nobody(maps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = npm_leaves(monkeypatch, LICENSE="Copyright Dot")
    assert (assets.bring(maps), assets.bring(maps), len(calls)) == (True, False, 1)


@pytest.mark.parametrize("spoil", ["manifest.json", "dot/LICENSE"])
def test_a_spoilt_file_is_brought_again(maps: Path, monkeypatch: pytest.MonkeyPatch, spoil: str) -> None:
    npm_leaves(monkeypatch, LICENSE="Copyright Dot")
    assets.bring(maps)
    (maps / "static" / "vendor" / spoil).write_text("spoilt")
    assert assets.bring(maps)
    assert (maps / "static" / "vendor" / "dot" / "LICENSE").read_text() == "Copyright Dot"


def test_a_changed_pin_is_brought_again(maps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_leaves(monkeypatch, LICENSE="Copyright Dot")
    assets.bring(maps)
    (maps / "package-lock.json").write_text('{"packages": {"node_modules/dot": {"version": "1.0.1", "license": "MIT"}}}')
    assert assets.bring(maps)


def test_a_missing_file_is_named_and_nothing_is_left_half_done(maps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_leaves(monkeypatch)
    with pytest.raises(assets.AssetsMissing, match="where: dot/LICENSE; next: mend assets"):
        assets.bring(maps)
    assert not (maps / "static" / "vendor").exists()


def test_npm_without_registry_or_cache_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(MAPS / name, tmp_path / name)
    monkeypatch.setenv("npm_config_offline", "true")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cold"))
    with pytest.raises(assets.AssetsMissing, match=r"JavaScript; .*got: exit status 1.*next: check the network"):
        assets.install(tmp_path)
