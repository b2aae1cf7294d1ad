"""Curve files."""

import pytest

from geo_risk.errors import DeclarationError, FileError, ParameterError
from geo_risk.impact.curves import fraction_at, fractions
from layers._curves import CurveOptions, amounts, load_curves, our_curves

WIDE = "depth,house,shop\n0,0,0\n1,0.5,0.2\n"


@pytest.fixture
def written(tmp_path):
    def write(text, name="curves.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
        return path

    return write


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_wide_table(written, start):
    found = load_curves(written(start + WIDE), "wide")
    assert fractions(found, ["house", "shop"], [0.5, 0.5]).fraction.tolist() == [0.25, 0.1]


def test_a_long_table_in_any_order(written):
    text = "kind,depth,loss\nhouse,1,50\nshop,0,0\nhouse,0,0\n"
    options = CurveOptions(occupancy=("kind",), intensity="depth", fraction="loss", percent=True)
    assert fraction_at(load_curves(written(text), "long", options).curves["house"], [0.5]).tolist() == [0.25]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("depth,house\n0,0\n1,60\n", "not 0 to 1; where: curve house, point 2; .* percent=True"),
        ("depth,house\n0,0\n1,\n", "a cell is empty: curves may have no gaps; where: curves.csv, row 3, column house"),
        ("depth,house\n0,0\n1,nan\n", "a cell is not a number; where: curves.csv, row 3, column house"),
        ("depth,house\n0,0\n1,1_0\n", "a cell is not a number"),
        ("depth,house\n0,0\n1,1e999\n", "a cell is not a number"),
        ("depth,house\n0,0\n1,=1+1\n", "a cell is not a number"),
        ("depth,house\n0,0\n1\n", "a row has gaps; where: curves.csv, row 3; expected: 2 cells; got: 1"),
        ("depth,house,house\n0,0,0\n", "a column comes twice"),
        ("depth,house\n", "the file has no rows"),
        ("depth\n0\n", "at least one curve"),
        ("depth,house\n0,0.5\n1,0.4\n", "falls as the intensity rises"),
        ("depth,house\n1,0.4\n1,0.4\n", "do not rise"),
        ("depth,house\n\x00,0\n", "holds NUL"),
        ("depth,<script>alert\n0,9\n", "curve text of 13 characters"),
    ],
)
def test_a_table_that_is_not_sound_is_refused_with_the_place(written, text, what):
    with pytest.raises((FileError, ParameterError), match=what):
        load_curves(written(text), "wide")


def test_other_encodings_sizes_and_forms_are_refused(written, tmp_path):
    with pytest.raises(FileError, match=r"not UTF-8; where: curves.csv; .* save it as UTF-8"):
        load_curves(written("depth,商业\n0,0\n", encoding="gb18030"), "wide")
    with pytest.raises(FileError, match="too large"):
        load_curves(written(b"0" * 5_000_001), "wide")
    with pytest.raises(FileError, match="cannot be read"):
        load_curves(tmp_path / "none.csv", "wide")
    with pytest.raises(ParameterError, match=r"no such form .* expected: jrc, hazus, wide, long, toml; got: xls"):
        load_curves(written(WIDE), "xls")


def test_a_column_that_is_not_there_is_named(written):
    with pytest.raises(FileError, match=r"no column region; where: curves.csv; expected: depth, house, shop"):
        load_curves(written(WIDE), "jrc")


def test_ours_say_they_are_unchecked():
    assert all("unchecked" in curve.source for curve in our_curves().curves.values())


@pytest.mark.parametrize(
    "text", ["[[curve]]\noccupancy='a'\n", "curve = 3", "[[curve]]\n" * 2, "not toml", "x = " + "[" * 20_000, ""],
)
def test_a_toml_that_is_not_sound_is_refused(written, text):
    with pytest.raises((DeclarationError, ParameterError), match=r"not sound|one unit"):
        load_curves(written(text, "own.toml"), "toml")


def test_amounts_by_name(written):
    assert amounts(written("kind,money\nhouse,300\n"), "kind", "money") == {"house": 300.0}
    with pytest.raises(FileError, match="a name comes twice"):
        amounts(written("kind,money\nhouse,300\nhouse,200\n"), "kind", "money")


def test_jrc_files_have_25_pairs_and_america_has_basements(shared_data):
    found = load_curves(shared_data / "depth_damage" / "jrc_huizinga_2017_damage_fraction.csv", "jrc")
    assert len(found.curves) == 25
    assert fraction_at(found.curves["northamerica residential"], [-0.1, 0.0]).tolist() == [0.0, 0.202]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("Building_DDF_Riverine_LUT_Hazus4p0", 196), ("Building_DDF_CoastalA_LUT_Hazus4p0", 64),
        ("Building_DDF_CoastalV_LUT_Hazus4p0", 64), ("Content_DDF_Riverine_LUT_Hazus4p0", 196),
        ("Content_DDF_CoastalA_LUT_Hazus4p0", 64), ("Content_DDF_CoastalV_LUT_Hazus4p0", 64),
        ("Inventory_DDF_LUT_Hazus4p0", 54), ("flBldgContDmgFn", 507), ("flBldgInvDmgFn", 116), ("flBldgContDmgFn_DDF", 507),
        ("flBldgInvDmgFn_DDF", 116),
    ],
)
def test_every_table_of_hazus_reads(shared_data, name, count):
    assert len(load_curves(shared_data / "depth_damage" / "hazus_fast_lookuptables" / f"{name}.csv", "hazus").curves) == count


@pytest.mark.parametrize("name", ["flBldgStructDmgFn", "flBldgStructDmgFn_DDF"])
def test_two_structure_curves_of_hazus_fall_and_are_allowed_by_name(shared_data, name):
    path = shared_data / "depth_damage" / "hazus_fast_lookuptables" / f"{name}.csv"
    with pytest.raises(ParameterError, match="falls as the intensity rises; where: curve 202, point 13"):
        load_curves(path, "hazus")
    assert len(load_curves(path, "hazus", CurveOptions(may_fall=True)).curves) == 597


@pytest.mark.parametrize("name", ["flBldgEconParamOwnerOccupied", "OccupancyTypes"])
def test_a_table_of_hazus_without_depths_is_refused(shared_data, name):
    with pytest.raises(FileError, match="no column is a depth in feet"):
        load_curves(shared_data / "depth_damage" / "hazus_fast_lookuptables" / f"{name}.csv", "hazus")


@pytest.mark.parametrize(("name", "count"), [("curves", 52), ("curves_osm", 52)])
def test_the_curves_of_kampen_read(shared_data, name, count):
    assert len(load_curves(shared_data / "kampen" / "vulnerability" / f"{name}.csv", "wide").curves) == count
