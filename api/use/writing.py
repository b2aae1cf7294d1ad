"""Writing single features: from what a client sent to the changes it means, who may make them, and what is answered.

Nothing here knows HTTP. What a caller may not read he neither writes nor erases: it stays as it is, and no answer names it.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import shapely

from api.use.records import geojson
from api.use.rights import Rights
from geo_risk.errors import ConditionRequired, GeoRiskError, ParameterError, Stale, TooLarge, shown
from layers._check.one import Misshapen, RowFault, RowRejected, by_rules, errors_of, misplaced, placed, shape_of, typed_values
from layers._check.rules import Words
from layers._layer import SYSTEM_COLUMNS, Layer
from layers._store.records import UNCHANGED, Act, Batch, Change, Feature, Outcome, Value, is_clean, stamp
from layers._store.rows import point_of
from layers._store.sight import Sight

REASON_CHARACTERS: Final = 500
SOURCES: Final[Mapping[str, str]] = {"field": "report", "operator": "operator", "admin": "operator"}
"""The source of a feature that is made over HTTP, by the role of who made it."""
REASONS: Final[Mapping[Act, str]] = {"create": "added", "put": "replaced", "patch": "changed", "delete": "removed"}
"""What a batch says of its reason where the caller gave none."""

_EARLIEST: Final = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
_MOMENT: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.ASCII,
)
_MICROSECONDS: Final = 7  # the point and six digits: the store keeps no more
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:~-]{0,99}", re.ASCII)
_LAST_REVISION: Final = 10**18 - 1
_UNPRINTED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SENT: Final = frozenset({"type", "id", "properties", "geometry", "observed_at", "sent_at", "reason"})
_COLLECTION: Final = frozenset({"type", "features", "sent_at", "reason"})
_ANSWERED: Final = frozenset({"links", "bbox", "revision", "clock", "late", "changed", "warnings", "timeStamp"})
"""Members of our own answers: a client that sends back what it got is not refused, and they change nothing."""

_HIDDEN_RULE: Final = Words("does not agree with what is there and you may not see", "与您无权查看的内容不符")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """From which state a change may be made: one of these revisions, any (``exists``), or none (``absent``)."""

    revisions: frozenset[int] | None = None
    exists: bool = False
    absent: bool = False

    @property
    def expects(self) -> frozenset[int] | None:
        """The revisions, for the store to compare with the current one, which a late report need not name; None for any."""
        return self.revisions

    def require(self, layer: Layer, before: Feature | None) -> None:
        """`Stale` where the feature is in none of the states named."""
        if self._is_met(before):
            return
        raise Stale(
            "the feature is not in the state that the change was made from", where=f"layer {layer.id}",
            expected="no such feature" if self.absent else "a state that is named",
            got=f"revision {before.revision}" if before else "none",
            then="look at the current state, then decide again",
        ).of(before)

    def _is_met(self, before: Feature | None) -> bool:
        if before is None:
            return not self.exists and self.revisions is None
        return not self.absent and (self.revisions is None or before.revision in self.revisions)


UNCONDITIONAL: Final = Condition()


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One feature as it was sent: typed values of the columns named, its place, and the moments its device stated.

    ``condition`` is the state that a row of a batch says it was made from.
    """

    fid: str | None
    values: Mapping[str, Value]
    geometry: Any
    observed_at: dt.datetime | None = None
    sent_at: dt.datetime | None = None
    reason: str | None = None
    condition: Condition = UNCONDITIONAL


@dataclass(frozen=True, kw_only=True)
class Clock:
    """What is known of the device's clock: ``skew_s`` is how far it was behind ours when it sent, None where it did not say."""

    observed_at: str | None
    skew_s: int | None
    flagged: bool


@dataclass(kw_only=True)
class Judge:
    """Holds each change of one request to the caller's rights and the layer's rules, inside the store's transaction.

    ``warnings`` has by feature the rules that are broken and reject nothing; a request names a feature once.
    """

    rights: Rights
    sight: Sight
    condition: Condition = UNCONDITIONAL
    warnings: dict[str, tuple[RowFault, ...]] = field(default_factory=dict)

    def __call__(self, layer: Layer, before: Feature | None, after: Feature | None) -> Feature | None:
        """What is to be stored, with hidden columns as they were and missing ones derived; raises to refuse."""
        if self.condition.expects is None:
            self.condition.require(layer, before)
        if after is None:
            self.rights(layer, before, None)
            return None
        ruled = by_rules(layer, given_of(layer, before, after, self.sight))
        whole = replace(after, values=ruled.values, derived=ruled.derived)
        self.rights(layer, before, whole)
        if broken := errors_of(ruled.faults):
            raise RowRejected(layer.id, tuple(readable(layer, fault, self.sight) for fault in broken))
        self.warnings[after.fid] = tuple(fault for fault in ruled.faults if _is_readable(layer, fault, self.sight))
        return whole


def given_of(layer: Layer, before: Feature | None, after: Feature, sight: Sight) -> dict[str, Value]:
    """The values that somebody gave: hidden ones as before; what was derived and is still the same is derived anew."""
    values = dict(after.values)
    if before is None:
        return values
    values |= {name: before.values.get(name) for name in hidden_columns(layer, sight)}
    derived = (before.derived or "").split(",")
    return values | {name: None for name in derived if name in values and values[name] == before.values.get(name)}


def hidden_columns(layer: Layer, sight: Sight) -> frozenset[str]:
    """The columns of the layer that are not there for this sight."""
    return frozenset(column.name for column in layer.columns if column.sensitivity not in sight.sensitivities)


def readable(layer: Layer, fault: RowFault, sight: Sight) -> RowFault:
    """The fault as the sight may hear of it: hidden columns are not named."""
    return fault if _is_readable(layer, fault, sight) else RowFault((), "hidden", fault.severity, "", _HIDDEN_RULE)


def _is_readable(layer: Layer, fault: RowFault, sight: Sight) -> bool:
    return hidden_columns(layer, sight).isdisjoint(fault.columns)


def sent_feature(layer: Layer, given: Mapping[str, Any], sight: Sight, *, partial: bool) -> Sent:
    """A feature as a client sent it, each part held to its rules; with ``partial`` only what is to change is there.

    Raises
    ------
    ParameterError
        It is no GeoJSON feature, names a member or a property that is not known (or not readable), or a moment is none.
    RowRejected
        Values or the geometry break the layer's rules; every fault is listed.
    """
    _require_members(given, partial=partial)
    values, faults = typed_values(layer, _properties(layer, given, sight, partial=partial))
    geometry, misplacements = _place(layer, given, partial=partial)
    if broken := (*faults, *misplacements):
        raise RowRejected(layer.id, (*broken, *_also(layer, values, broken, sight, partial=partial)))
    return Sent(
        fid=_sent_id(given.get("id")), values=values, geometry=geometry,
        observed_at=_moment(given, "observed_at"), sent_at=_moment(given, "sent_at"), reason=reason_of(given.get("reason")),
    )


def sent_removal(given: Mapping[str, Any]) -> Sent:
    """What may be said with a removal: when it was seen, when sent, and why."""
    _require_known(given, frozenset({"observed_at", "sent_at", "reason"}), "body")
    return Sent(
        fid=None, values={}, geometry=None, observed_at=_moment(given, "observed_at"), sent_at=_moment(given, "sent_at"),
        reason=reason_of(given.get("reason")),
    )


def sent_rows(
    layer: Layer, given: Mapping[str, Any], sight: Sight, most: int, *, partial: bool = False
) -> list[Sent | GeoRiskError]:
    """Each feature of a collection, or the error that says why it cannot be read; ``sent_at`` may be said once for all.

    With ``partial`` each is a change of one feature and names it, no other does, and the state it was made from.
    """
    _require_known(given, _COLLECTION, "body")
    features = given.get("features")
    if not isinstance(features, list) or not features:
        raise ParameterError("a collection has features", where="features", expected="a list of features", got=shown(features))
    if len(features) > most:
        raise TooLarge("too many features at once", where="features", expected=f"at most {most}", got=str(len(features)))
    shared = {"sent_at": given["sent_at"]} if given.get("sent_at") is not None else {}
    rows = [_sent_row(layer, each, shared, sight, partial=partial) for each in features]
    return _each_once(rows) if partial else rows


def _sent_row(layer: Layer, given: object, shared: Mapping[str, Any], sight: Sight, *, partial: bool) -> Sent | GeoRiskError:
    try:
        if not isinstance(given, dict):
            raise ParameterError("this is no GeoJSON feature", where="features", expected="an object", got=shown(given))
        sent = sent_feature(layer, {**shared, **given}, sight, partial=partial)
        if partial:
            return replace(sent, fid=_named(sent), condition=_state(given.get("revision")))
        return sent if sent.fid is None else replace(sent, fid=require_new_id(sent.fid))
    except GeoRiskError as error:
        return error


def _named(sent: Sent) -> str:
    if sent.fid is None:
        raise ParameterError("a change names its feature", where="id", expected="the id of a feature", got="none")
    return sent.fid


def _state(stated: object) -> Condition:
    """The state that a row of changes was made from: a feature's ``revision``, or ``*`` for any."""
    if stated is None:
        raise ConditionRequired(
            "a change says which state it was made from", where="revision", expected="the revision of the feature, such as 12",
            got="nothing", then="read the feature, and send its revision",
        )
    if stated == "*":
        return Condition(exists=True)
    if type(stated) is not int or not 1 <= stated <= _LAST_REVISION:
        raise ParameterError("this is no revision", where="revision", expected="a whole number, or *", got=shown(stated))
    return Condition(revisions=frozenset({stated}))


def _each_once(rows: Sequence[Sent | GeoRiskError]) -> list[Sent | GeoRiskError]:
    """The rows, with an error in the place of one whose feature an earlier one names."""
    first: dict[str | None, int] = {}
    for at, row in enumerate(rows):
        if isinstance(row, Sent):
            first.setdefault(row.fid, at)
    return [row if isinstance(row, GeoRiskError) or first[row.fid] == at else _again(first[row.fid]) for at, row in enumerate(rows)]


def _again(first: int) -> ParameterError:
    return ParameterError(
        "a batch changes a feature once", where="id", expected="an id that no earlier row names", got=f"that of row {first}",
        then="send one row with all that changes",
    )


def _also(
    layer: Layer, values: Mapping[str, Value], broken: Sequence[RowFault], sight: Sight, *, partial: bool
) -> tuple[RowFault, ...]:
    """The other errors of a whole feature, so that all are told at once."""
    if partial:
        return ()
    wrong = [name for fault in broken for name in fault.columns]
    return tuple(fault for fault in errors_of(by_rules(layer, values, wrong).faults) if _is_readable(layer, fault, sight))


def _require_members(given: Mapping[str, Any], *, partial: bool) -> None:
    _require_known(given, _SENT | _ANSWERED, "body")
    if given.get("type", "Feature" if partial else None) != "Feature":
        raise ParameterError("this is no GeoJSON feature", where="type", expected="Feature", got=shown(given.get("type")))
    if not isinstance(given.get("properties", {} if partial else None), dict):
        raise ParameterError(
            "a feature has properties", where="properties", expected="an object", got=shown(given.get("properties")),
            then="send an empty object where there are none",
        )


def _require_known(given: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if strange := next((name for name in given if name not in known), None):
        raise ParameterError(
            f"a member of the {where} is not known", where=where, expected=", ".join(sorted(known - _ANSWERED)),
            got=shown(strange), then="check the spelling: nothing that is sent is ignored",
        )


def _properties(layer: Layer, given: Mapping[str, Any], sight: Sight, *, partial: bool) -> dict[str, Any]:
    """The properties named, without those that the store itself states; a hidden column is as unknown as any other name."""
    named: dict[str, Any] = {name: value for name, value in given.get("properties", {}).items() if name not in SYSTEM_COLUMNS}
    known = [column.name for column in layer.readable(sight.sensitivities)]
    if strange := [name for name in named if name not in known]:
        raise ParameterError(
            "a property is not known", where=f"layer {layer.id}", expected=", ".join(known),
            got=", ".join(shown(name) for name in strange[:5]), then="check the spelling",
        )
    return named


def _place(layer: Layer, given: Mapping[str, Any], *, partial: bool) -> tuple[Any, Sequence[RowFault]]:
    """The geometry and what is wrong with it; `UNCHANGED` where a patch names none."""
    if partial and "geometry" not in given:
        return UNCHANGED, ()
    try:
        shape = shape_of(given.get("geometry"))
    except Misshapen as error:
        return None, [misplaced(layer, str(error), shown(given.get("geometry")))]
    return placed(layer, shape)


def _sent_id(given: object) -> str | None:
    """The id that a feature says it has: one that is there may be any text."""
    if given is None:
        return None
    if not isinstance(given, str) or not is_clean(given):
        raise ParameterError("this is no id", where="id", expected="a text", got=shown(given), then="send the id as it was read")
    return given


def require_new_id(fid: str) -> str:
    """The id, if a feature may be made under it."""
    if not _ID.fullmatch(fid):
        raise ParameterError(
            "an id cannot be used", where="id", expected="1 to 100 letters, digits, or any of _ . : ~ -, a letter or digit first",
            got=shown(fid), then="choose another, or leave it out: one is made",
        )
    return fid


def reason_of(given: object) -> str | None:
    """Why a change is made, as the log keeps it; None where nothing was said."""
    if given is None or given == "":
        return None
    if not isinstance(given, str) or len(given) > REASON_CHARACTERS or _UNPRINTED.search(given):
        raise ParameterError(
            "a reason cannot be kept", where="reason", expected=f"one line of at most {REASON_CHARACTERS} characters",
            got=shown(given), then="say it in plain text",
        )
    return given.strip() or None


def _moment(given: Mapping[str, Any], name: str) -> dt.datetime | None:
    return moment_of(given[name], name) if given.get(name) is not None else None


def moment_of(text: object, where: str) -> dt.datetime:
    """A moment by RFC 3339 with its offset, to the microsecond, not before 1990; any other way of writing it is refused.

    >>> moment_of("2026-07-01T08:00:00.5+08:00", "observed_at").isoformat()
    '2026-07-01T00:00:00.500000+00:00'
    """
    moment = _read(_MOMENT.fullmatch(text)) if isinstance(text, str) else None
    if moment is None or moment < _EARLIEST:
        raise ParameterError(
            "this is no moment with its offset", where=where, expected="RFC 3339, such as 2026-07-01T08:00:00+08:00, from 1990 on",
            got=shown(text), then="send the device's time with its offset",
        )
    return moment


def _read(found: re.Match[str] | None) -> dt.datetime | None:
    if found is None:
        return None
    try:
        return dt.datetime.fromisoformat(found[1] + (found[2] or "")[:_MICROSECONDS] + found[3]).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def clock_of(sent: Sent, received: dt.datetime, most_skew_s: float) -> Clock:
    """How far the device's clock was off: flagged, and never put right in silence.

    A clock is flagged where it was off by more than ``most_skew_s`` when it sent, or saw what had yet to happen.
    """
    skew_s = None if sent.sent_at is None else round((received - sent.sent_at).total_seconds())
    ahead_s = 0.0 if sent.observed_at is None else (sent.observed_at - received).total_seconds()
    return Clock(
        observed_at=None if sent.observed_at is None else stamp(sent.observed_at), skew_s=skew_s,
        flagged=ahead_s > most_skew_s or (skew_s is not None and abs(skew_s) > most_skew_s),
    )


def change_of(layer: Layer, act: Act, fid: str, sent: Sent, clock: Clock, condition: Condition = UNCONDITIONAL) -> Change:
    """The change that was meant."""
    return Change(
        layer=layer.id, fid=fid, op=act, values=sent.values, geometry=sent.geometry, expects=condition.expects,
        observed_at=clock.observed_at, skew_s=clock.skew_s,
    )


def source_of(role: str) -> str:
    """Where a feature comes from that somebody of this role makes."""
    return SOURCES.get(role, "report")


def batch_of(actor: str, role: str, act: Act, reason: str | None) -> Batch:
    """The log's batch of one request."""
    return Batch(actor=actor, reason=reason or REASONS[act], source=source_of(role))


def is_late(outcome: Outcome) -> bool:
    """Whether the change came after a later observation and changed no current row."""
    return outcome.op == "late"


def feature_answer(layer: Layer, feature: Feature, sight: Sight) -> dict[str, Any]:
    """A feature as `api.use.records.feature` shows it, from the store's row: the readable columns and what the store states."""
    properties: dict[str, Any] = {column.name: feature.values.get(column.name) for column in layer.readable(sight.sensitivities)}
    properties |= {"derived": feature.derived, "source": feature.source, "updated_at": feature.updated_at}
    return {
        "type": "Feature", "id": feature.fid, "geometry": place_answer(feature.geometry), "properties": properties,
        "revision": feature.revision,
    }


def place_answer(wkb: bytes | None) -> dict[str, Any] | None:
    """A GeoJSON geometry from the store's; points, of which most writes are, without GEOS."""
    if wkb is None:
        return None
    point = point_of(wkb)
    return geojson(shapely.from_wkb(wkb)) if point is None else {"type": "Point", "coordinates": list(point)}


def outcome_answer(
    layer: Layer, outcome: Outcome, sight: Sight, clock: Clock, warnings: Sequence[RowFault]
) -> dict[str, Any]:
    """The current feature after a change, and what became of the change: whether it was late, changed anything, and the clock."""
    nothing = {"type": "Feature", "id": outcome.change.fid, "geometry": None, "properties": None}
    feature = nothing if outcome.feature is None else feature_answer(layer, outcome.feature, sight)
    late: dict[str, Any] = {"late": True} if is_late(outcome) else {}
    return {
        **feature, "changed": outcome.op is not None and not is_late(outcome), **late, **clock_answer(clock),
        **({"warnings": [fault_answer(fault) for fault in warnings]} if warnings else {}),
    }


def clock_answer(clock: Clock | None) -> dict[str, Any]:
    """What is said of the device's clock, where it said anything itself."""
    if clock is None or (clock.observed_at is None and clock.skew_s is None):
        return {}
    return {"clock": {"observed_at": clock.observed_at, "skew_s": clock.skew_s, "flagged": clock.flagged}}


def fault_answer(fault: RowFault) -> dict[str, Any]:
    """A broken rule as a program and a form read it."""
    return {
        "column": fault.columns[0] if len(fault.columns) == 1 else None, "columns": list(fault.columns), "rule": fault.rule,
        "severity": fault.severity, "expected": fault.words.en, "expected_zh": fault.words.zh, "got": fault.seen,
    }
