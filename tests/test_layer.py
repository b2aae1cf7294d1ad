import pytest
from pydantic import ValidationError

from geo_risk.errors import DeclarationError
from layers._layer import Column, Geometry, Layer, Look, Style, choices

NAME = Column("name", str, title={"en": "Name", "zh": "名称"})


def declare(**changes: object) -> Layer:
    given = {
        "id": "wells",
        "title": {"en": "Wells", "zh": "井"},
        "geometry": Geometry.POINT,
        "group": "base",
        "columns": (NAME,),
        "style": Style(icon="box", colour="#000000"),
    }
    return Layer(**{**given, **changes})


def test_a_unit_stands_in_the_title() -> None:
    assert Column("depth_m", float, unit="m", title={"en": "Depth", "zh": "深度"}).titled("zh-CN") == "深度 (m)"


@pytest.mark.parametrize(
    "changes",
    [
        {"key": ("code",)},
        {"columns": (NAME, NAME)},
        {"style": Style(icon="box", colour="#000000", popup=("depth",))},
        {"columns": (NAME, Column("source", str, title={"en": "Source", "zh": "来源"}))},
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(DeclarationError, match=r"layers/wells\.py"):
        declare(**changes)


def test_a_title_needs_both_languages() -> None:
    with pytest.raises(DeclarationError, match="expected: en and zh"):
        Column("name", str, title={"en": "Name"})


KIND = Column("kind", str, title={"en": "Kind", "zh": "类型"}, choices=choices(("dug", "Dug", "挖"), ("drilled", "Drilled", "钻")))
DUG, DRILLED = Look("dug", fill_opacity=0.5), Look("drilled", dash="3 3")


def with_looks(*looks: Look, by: str | None = "kind", geometry: Geometry = Geometry.AREA) -> Layer:
    return declare(columns=(KIND,), geometry=geometry, style=Style(icon="box", colour="#000000", look_by=by, looks=looks))


def test_looks_keep_the_order_in_which_they_are_drawn() -> None:
    assert [look.choice for look in with_looks(DRILLED, DUG).style.looks] == ["drilled", "dug"]


@pytest.mark.parametrize(
    ("looks", "changes", "got"),
    [
        ((DUG,), {}, "expected: dug, drilled; got: dug;"),
        ((DUG, DRILLED, DUG), {}, "got: dug, drilled, dug;"),
        ((), {}, "got: no looks"),
        ((DUG,), {"by": None}, "expected: no looks; got: dug"),
        ((DUG, DRILLED), {"geometry": Geometry.POINT}, "a layer of lines or areas that has looks"),
        ((DUG, DRILLED), {"by": "depth"}, "names columns it does not have.*got: depth"),
    ],
)
def test_looks_that_do_not_fit_their_column_are_refused(looks: tuple[Look, ...], changes: dict[str, object], got: str) -> None:
    with pytest.raises(DeclarationError, match=got):
        with_looks(*looks, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"fill_opacity": 1.1}, {"dash": "3"}, {"dash": "url(x)"}, {"outline_px": -1}])
def test_a_look_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Look("dug", **wrong)  # type: ignore[arg-type]
