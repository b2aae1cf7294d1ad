"""Run by the Python that QGIS is installed for, not by ours: QGIS opens a layer, may change it, and tells what it then reads.

What to do comes as a JSON list on standard input, and what came of each goes as JSON to standard output::

    {"provider": "OAPIF", "source": "typename='shelters' url='http://...'",   # as the data source manager of QGIS writes them
     "subset": "\\"kind\\" = 'shelter'", "box": [west, south, east, north],       # both may be absent
     "on_update": {"field": "expression"},                                      # the form's default values, applied on update
     "set": {"id": {"status": "closed", "place": "POINT(1 2)"}}, "add": [{...}], "delete": ["id"],
     "meanwhile": {...}}                                                        # done after the change and before it is saved
"""

import json
import sys
from collections.abc import Iterable
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsDefaultValue,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerUtils,
)

PLACE = "place"


def rows_of(layer: QgsVectorLayer, box: Iterable[float] | None) -> list[dict[str, Any]]:
    """The features as QGIS has them: text a column, empty as null, and the place as text."""
    request = QgsFeatureRequest(QgsRectangle(*box)) if box else QgsFeatureRequest()
    names = layer.fields().names()
    rows = []
    for feature in layer.getFeatures(request):
        values = (None if value is None or str(value) == "NULL" else str(value) for value in feature.attributes())
        rows.append(dict(zip(names, values, strict=True)) | {PLACE: feature.geometry().asWkt(6)})
    return rows


def changed(layer: QgsVectorLayer, asked: dict[str, Any]) -> list[str]:
    """Change it as a person does: begin to edit, change, save. Returns what QGIS shows where it could not be saved."""
    for name, expression in asked.get("on_update", {}).items():
        layer.setDefaultValueDefinition(layer.fields().indexOf(name), QgsDefaultValue(expression, True))
    layer.startEditing()
    features = {feature[layer.fields().names()[0]]: feature for feature in layer.getFeatures()}
    for fid, values in asked.get("set", {}).items():
        for name, value in values.items():
            if name == PLACE:
                layer.changeGeometry(features[fid].id(), QgsGeometry.fromWkt(value))
            else:
                layer.changeAttributeValue(features[fid].id(), layer.fields().indexOf(name), value)
    for values in asked.get("add", []):
        layer.addFeature(new_feature(layer, dict(values)))
    for fid in asked.get("delete", []):
        layer.deleteFeature(features[fid].id())
    if "meanwhile" in asked:
        told_of(asked["meanwhile"])
    saved = layer.commitChanges()
    told = [] if saved else layer.commitErrors()
    layer.rollBack()
    return told


def new_feature(layer: QgsVectorLayer, values: dict[str, Any]) -> QgsFeature:
    """A feature as the form of QGIS makes it, with the defaults of the source."""
    place = QgsGeometry.fromWkt(values.pop(PLACE)) if PLACE in values else QgsGeometry()
    return QgsVectorLayerUtils.createFeature(layer, place, {layer.fields().indexOf(name): value for name, value in values.items()})


def told_of(asked: dict[str, Any]) -> dict[str, Any]:
    """What came of one thing asked."""
    layer = QgsVectorLayer(asked["source"], "layer", asked["provider"])
    if not layer.isValid():
        return {"valid": False}
    if "subset" in asked:
        layer.setSubsetString(asked["subset"])
    errors = changed(layer, asked) if {"set", "add", "delete"} & asked.keys() else []
    layer.dataProvider().reloadData()
    return {"valid": True, "crs": layer.crs().authid(), "errors": errors, "rows": rows_of(layer, asked.get("box"))}


def main() -> None:
    """Do what is asked, one after the other, and print what came of each."""
    application = QgsApplication([], True)  # with what the providers need of a window system
    application.initQgis()
    json.dump([told_of(asked) for asked in json.load(sys.stdin)], sys.stdout)
    application.exitQgis()


main()
