"""Relief supply depots 应急物资库 and what lies in them."""

from layers._layer import Column, Geometry, Layer, Style


def _stock(name: str, en: str, zh: str) -> Column:
    return Column(name, int, minimum=0, maximum=100_000_000, title={"en": en, "zh": zh})


LAYER = Layer(
    id="supply_depots",
    title={"en": "Supply depots", "zh": "应急物资库"},
    geometry=Geometry.POINT,
    group="response",
    key=("name",),
    columns=(
        Column("name", str, required=True, title={"en": "Name", "zh": "名称"}),
        Column("kind", str, title={"en": "Kind", "zh": "类型"}),
        _stock("tents", "Tents", "帐篷（顶）"),
        _stock("blankets", "Blankets", "棉被（床）"),
        _stock("folding_beds", "Folding beds", "折叠床（张）"),
        _stock("boats", "Boats", "救生艇（艘）"),
        _stock("life_jackets", "Life jackets", "救生衣（件）"),
        _stock("pumps", "Pumps", "水泵（台）"),
        _stock("sandbags", "Sandbags", "沙袋（条）"),
        Column("address", str, title={"en": "Address", "zh": "地址"}),
        Column("keeper", str, sensitivity="internal", title={"en": "Keeper", "zh": "保管员"}),
        Column("phone", str, sensitivity="personal", title={"en": "Phone", "zh": "电话"}),
    ),
    style=Style(
        icon="box",
        colour="#6a3d9a",
        popup=("tents", "blankets", "folding_beds", "boats", "life_jackets", "pumps", "sandbags", "address"),
        card=("tents", "boats", "pumps", "sandbags"),
    ),
    stale_after_days=90,
)
