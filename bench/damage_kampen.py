"""Damage of buildings on Kampen's depth raster, from files to figures, beside Delft-FIAT, DamageScanner, exactextract + numpy.

The buildings of the OSM extract, and the same laid anew at random places of the raster where more are asked for. Each
peer is compared under its own rule. Above ``--peers-at-most`` buildings a peer gets the first of them and its seconds
are scaled in proportion, which its name says. Floors: reading the file of buildings, and the bytes of the raster.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import rasterio
import shapely

from bench.versus import Timed, peak_mb, peer, timed, versus
from geo_risk.hazard.raster import open_raster
from geo_risk.impact.damage import ExposureColumns
from geo_risk.impact.raster_damage import damage_on_raster
from layers._curves import amounts, load_curves

DATA = Path(os.environ.get("GEO_RISK_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SHARED, MICRO = DATA / "kampen", DATA / "fiat_micro"
AN_OBJECT = ExposureColumns(occupancy="object_type", max_damage="max_damage_structure")
A_SQUARE_METRE = ExposureColumns(occupancy="object_type", max_damage="max_damage_m2")
AT_ONCE = 200_000


def buildings(count: int) -> gpd.GeoDataFrame:
    """The first buildings of the extract, or all and copies of them at random places on the raster."""
    read = pyogrio.read_dataframe(
        SHARED / "exposure" / "kampen.osm.pbf", layer="multipolygons", columns=["building"], where="building is not null"
    )
    real = read.to_crs(28992).explode(index_parts=False)
    real = real[real.geometry.notna() & real.is_valid].reset_index(drop=True)
    with rasterio.open(SHARED / "hazard" / "1in100_inundation_map.tif") as raster:
        west, south, east, north = raster.bounds
        real = real.cx[west + 100 : east - 100, south + 100 : north - 100].reset_index(drop=True)
    chosen = np.arange(count) % len(real)
    shapes = real.geometry.to_numpy()[chosen]
    if count > len(real):
        draw = np.random.default_rng(1)
        places = draw.uniform((west + 500, south + 500), (east - 500, north - 500), (count - len(real), 2))
        shapes[len(real) :] = _moved(shapes[len(real) :], places)
    worth = amounts(SHARED / "vulnerability" / "maxdam_osm.csv", "object_type", "damage")
    kinds = real["building"].where(real["building"].isin(worth), "yes").to_numpy()[chosen]
    money = np.array([worth[kind] for kind in kinds])
    return gpd.GeoDataFrame(
        {
            "object_id": np.arange(1, count + 1), "object_type": kinds, "fn_damage_structure": kinds, "max_damage_m2": money,
            "max_damage_structure": money * shapely.area(shapes), "ground_flht": 0.0, "ground_elevtn": 0.0,
            "extract_method": "area",
        },
        geometry=shapes, crs=28992,
    )


def _moved(shapes: np.ndarray, places: np.ndarray) -> np.ndarray:
    counts = shapely.get_num_coordinates(shapes)
    shift = places - shapely.get_coordinates(shapely.centroid(shapes))
    return shapely.set_coordinates(shapes.copy(), shapely.get_coordinates(shapes) + np.repeat(shift, counts, axis=0))


def folder_of(count: int, folder: Path) -> Path:
    """The files that all read: buildings, depth as float, curves, and the curves under FIAT's header."""
    folder.mkdir()
    buildings(count).to_file(folder / "buildings.gpkg", layer="buildings", engine="pyogrio")
    with rasterio.open(SHARED / "hazard" / "1in100_inundation_map.tif") as source:
        profile = source.profile | {"dtype": "float32", "nodata": -9999.0}
        with rasterio.open(folder / "depth.tif", "w", **profile) as target:
            target.write(source.read(1).astype("float32"), 1)
    _curve_files(SHARED / "vulnerability" / "curves_osm.csv", folder)
    return folder


def ours(folder: Path, rule: str, columns: ExposureColumns) -> list[float]:
    """From files to figures, piece by piece of the buildings so that memory does not grow with them."""
    file, curves = folder / "buildings.gpkg", load_curves(folder / "curves.csv", "wide")
    count, names = pyogrio.read_info(file)["features"], [columns.occupancy, columns.max_damage]
    found: list[float] = []
    with open_raster(folder / "depth.tif") as depth:
        for start in range(0, count, AT_ONCE):
            frame = pyogrio.read_dataframe(file, columns=names, skip_features=start, max_features=AT_ONCE)
            found += damage_on_raster(depth, frame, curves, rule, columns=columns)["damage"].tolist()
    return found


def agrees(mine: list[float], theirs: list[float]) -> str:
    """How many of the peer's objects differ by more than half a cent and a billionth, and by how much the sums do."""
    one, other = np.array(mine[: len(theirs)]), np.array(theirs, dtype=float)
    off = ~(np.abs(one - other) <= 0.005 + 1e-9 * np.abs(one))
    return f"{len(other)} objects, {int(off.sum())} differ; sums {one.sum():.2f} and {other.sum():.2f}"


def micro(folder: Path) -> Path:
    """Delft-FIAT's own four buildings, as files of the same names."""
    folder.mkdir()
    given = gpd.read_file(MICRO / "buildings.geojson")
    named = given.rename(columns={"curve": "fn_damage_structure", "max_damage": "max_damage_structure"})
    named.assign(object_type=given["curve"], ground_flht=0.0, ground_elevtn=0.0, extract_method="area").to_file(
        folder / "buildings.gpkg", layer="buildings", engine="pyogrio"
    )
    shutil.copyfile(MICRO / "event_depth.tif", folder / "depth.tif")
    _curve_files(MICRO / "vulnerability_curves.csv", folder)
    return folder


def _curve_files(source: Path, folder: Path) -> None:
    """Curves as they are, and under FIAT's header."""
    shutil.copyfile(source, folder / "curves.csv")
    head, _, rows = source.read_text(encoding="utf-8-sig").partition("\n")
    names = head.split(",")[1:]
    lines = ("#UNIT=meter", f"#method{',mean' * len(names)}", ",".join(["water depth", *names]), rows)
    (folder / "fiat_curves.csv").write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buildings", type=int, default=20_000)
    parser.add_argument("--peers-at-most", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout-s", type=float, default=300.0, help="for each peer")
    given = parser.parse_args()
    few = min(given.buildings, given.peers_at_most)
    with tempfile.TemporaryDirectory(prefix="geo-risk-damage-") as temporary:
        four = micro(Path(temporary) / "micro")
        mine = folder_of(given.buildings, Path(temporary) / "ours")
        theirs = mine if few == given.buildings else folder_of(few, Path(temporary) / "peers")

        def peer_of(name: str, environment: str, folder: Path) -> Timed:
            found = peer(name, environment, f"damage_{name}.py", str(folder), timeout_s=given.timeout_s)
            if found.absent or folder is mine or folder is four:
                return found
            return found.times(given.buildings / few, f"{name} on {few:,}, x{given.buildings / few:g}")

        compiled = timed("ours", lambda: ours(four, "fiat", AN_OBJECT), 1)
        versus("damage of Delft-FIAT's own 4 buildings (compiling counted)", compiled, [peer_of("fiat", "fiat", four)], agrees)
        ours(theirs, "per_cell", A_SQUARE_METRE)  # compiles
        fiat = timed("ours", lambda: ours(mine, "fiat", AN_OBJECT), given.rounds)
        cells = timed("ours", lambda: ours(mine, "per_cell", A_SQUARE_METRE), given.rounds)
        floor = timed("floor", lambda: pyogrio.read_dataframe(mine / "buildings.gpkg", columns=["object_type"]), given.rounds)
        work = f"damage of {given.buildings:,} buildings"
        versus(f"{work}, fiat", fiat, [peer_of("fiat", "fiat", theirs)], agrees)
        peers = [peer_of("exactextract", "wheels", theirs), peer_of("damagescanner", "damagescanner", theirs)]
        versus(f"{work}, per_cell", cells, peers, agrees)
    print(f"{work}\tfloor: reading the buildings alone\t{floor.seconds:.4g} s\t{floor.cpu_s:.4g} s CPU\tpeak {peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
