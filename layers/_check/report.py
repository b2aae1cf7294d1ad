"""What an import found: counts, every fault by row, repairs, what was not loaded; as a value, as lines, as a CSV."""

import csv
import io
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from layers._worker.content import Note

Severity = Literal["error", "warning"]
_LINES: Final = 40
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One finding in one row; an error rejects the row, a warning does not."""

    row: int
    column: str
    value: str
    rule: str
    severity: Severity
    message_en: str
    message_zh: str


@dataclass(frozen=True, kw_only=True)
class Repair:
    """One geometry mended: its area before and after, and what was wrong."""

    row: int
    area_before_m2: float
    area_after_m2: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything an import has to say. ``identity`` is what told rows apart: key, layer_key or content."""

    layer: str
    source: str
    format: str
    crs: str
    encoding: str | None
    sha256: str
    rows_read: int
    accepted: int
    rejected: int
    faults: tuple[Fault, ...]
    faults_left_out: int
    repairs: tuple[Repair, ...]
    columns_matched: tuple[tuple[str, str], ...]
    columns_ignored: tuple[str, ...]
    derived: tuple[tuple[str, int], ...]
    nulls: int
    invalid: int
    identity: str
    notes: tuple[Note, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        plain = asdict(self)
        return {**plain, "notes": [{"code": note.code, **dict(note.words)} for note in self.notes]}


_WORDS: Final = {
    "en": {
        "head": "{layer} from {source} ({format}, {crs}, {encoding}): "
        "{rows_read} rows read, {accepted} accepted, {rejected} rejected",
        "matched": "columns: {0}",
        "ignored": "not loaded: {0}",
        "derived": "filled by a rule: {0}",
        "places": "geometry: {0} missing, {1} invalid",
        "repair": "row {0}: repaired ({1}), {2:,.1f} m2 to {3:,.1f} m2",
        "fault": "row {0}: {1}{2}: {3}{4}",
        "more": "… and {0} more; --report FILE.csv lists all",
        "error": "",
        "warning": "warning, ",
    },
    "zh": {
        "head": "{layer} ← {source}（{format}，{crs}，{encoding}）：读入 {rows_read} 行，接受 {accepted} 行，拒绝 {rejected} 行",
        "matched": "列对应：{0}",
        "ignored": "未载入的列：{0}",
        "derived": "按规则补全：{0}",
        "places": "几何：缺失 {0}，无效 {1}",
        "repair": "第 {0} 行：已修复（{1}），面积 {2:,.1f} m2 → {3:,.1f} m2",
        "fault": "第 {0} 行：{1}{2}：{3}{4}",
        "more": "……另有 {0} 条，用 --report 文件.csv 查看全部",
        "error": "",
        "warning": "提示，",
    },
}
_NOTES: Final = {
    "encoding_guessed": (
        "the encoding was not stated; {encoding} fits best (--encoding overrides it)",
        "文件未注明编码，判为 {encoding}（可用 --encoding 指定）",
    ),
    "encoding_by_cpg": ("decoded as {encoding}, as the .cpg file says", "按 .cpg 文件以 {encoding} 解码"),
    "header_twice": ("two columns are named {column}; the second is shown with its place", "有两列同名：{column}；第二列附上列号"),
    "names_may_be_cut": (
        "names that fill the format's ten bytes and may be cut: {columns}",
        "列名占满格式限定的十个字节，可能被截断：{columns}",
    ),
    "sheets_left": ("other sheets are not loaded: {sheets} (--sheet names one)", "其他工作表未载入：{sheets}（可用 --sheet 指定）"),
    "shapes_left": ("{count} shapes at the end have no record and are left out", "末尾 {count} 个图形没有属性记录，未载入"),
    "binary_left": ("columns of binary data are not loaded: {columns}", "二进制列未载入：{columns}"),
    "crs_overridden": ("the file says {file}; read as {said}", "文件坐标系为 {file}，按 {said} 读取"),
    "osm_left_out": (
        "{count} ways that are no roads by the table osm_roads are left out: {kinds}",
        "按 osm_roads 表不属于道路的 {count} 条线未载入：{kinds}",
    ),
    "osm_cut": (
        "{count} ways are cut where the extract lacks a node: the missing stretch counts as no road",
        "{count} 条道路在提取文件缺少节点处断开，缺失路段不算道路",
    ),
    "osm_placeless": ("{count} ways with fewer than two known nodes are left out", "{count} 条道路已知节点不足两个，未载入"),
    "osm_barriers": (
        "{count} stretches at a barrier are rows of their own, closed to those it stops",
        "{count} 段道路因障碍物单列一行，对受阻者关闭",
    ),
    "osm_turns": ("restrictions of turning are not read", "未读取转弯限制"),
    "dashes": ("{column}: {count} cells with only a dash taken as blank", "{column}：{count} 个只写横线的单元格按空值处理"),
}


def report_lines(report: Report, language: str) -> list[str]:
    """The report for a terminal, the first faults only; errors before warnings."""
    tongue = "zh" if language.startswith("zh") else "en"
    words = _WORDS[tongue]
    ranked = sorted(report.faults, key=lambda fault: (fault.severity != "error", fault.row))
    more = len(ranked) - _LINES + report.faults_left_out
    return [
        words["head"].format(**{**vars(report), "encoding": report.encoding or "-", "crs": report.crs or "-"}),
        words["matched"].format(", ".join(f"{source} → {target}" for source, target in report.columns_matched)),
        *([words["ignored"].format(", ".join(report.columns_ignored))] if report.columns_ignored else []),
        *([words["derived"].format(", ".join(f"{name} {count}" for name, count in report.derived))] if report.derived else []),
        *([words["places"].format(report.nulls, report.invalid)] if report.nulls or report.invalid else []),
        *(_note(note, tongue) for note in report.notes),
        *(words["repair"].format(one.row, one.reason, one.area_before_m2, one.area_after_m2) for one in report.repairs[:_LINES]),
        *(_line(fault, tongue) for fault in ranked[:_LINES]),
        *([words["more"].format(more)] if more > 0 else []),
    ]


def report_csv(report: Report) -> bytes:
    """Every fault and repair as a CSV for a spreadsheet: UTF-8 with BOM, text that starts like a formula made harmless."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["row", "column", "value", "rule", "severity", "message_en", "message_zh"])
    for fault in report.faults:
        cells = (fault.column, fault.value, fault.rule, fault.severity, fault.message_en, fault.message_zh)
        writer.writerow([fault.row, *(_harmless(cell) for cell in cells)])
    for one in report.repairs:
        area = f"{one.area_before_m2:.1f} m2 -> {one.area_after_m2:.1f} m2"
        writer.writerow(
            [one.row, "geometry", area, "geometry_repaired", "warning", f"repaired: {one.reason}", f"已修复：{one.reason}"]
        )
    return out.getvalue().encode("utf-8-sig")


def _line(fault: Fault, tongue: str) -> str:
    words = _WORDS[tongue]
    text = fault.message_zh if tongue == "zh" else fault.message_en
    return words["fault"].format(
        fault.row, words[fault.severity], fault.column or "-", text, f" [{fault.value}]" if fault.value else ""
    )


def _note(note: Note, tongue: str) -> str:
    return _NOTES[note.code][tongue == "zh"].format(**dict(note.words))


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
