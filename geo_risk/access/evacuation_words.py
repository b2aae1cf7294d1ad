"""A plan in a commander's sentences, Chinese and English, from its figures; groups and shelters by name where names are given."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from geo_risk.access.evacuation import Change, Plan
from geo_risk.access.shortfall import REASONS, Opening, Raised, Shortage

_NAMED: Final = 5  # names told; the rest are counted
_SECONDS: Final = 60
_ZH: Final = (
    "无路可达任何避难场所", "只能到达未启用的避难场所",
    "只能到达容量不明的避难场所", "没有适合其需要的避难场所", "超出时限", "床位不足",
)
_EXCLUDED_ZH: Final = {
    "closed": "关闭", "unfit for this hazard": "不适用于该灾种", "fitness for this hazard unknown": "是否适用于该灾种不明",
    "inside the hazard": "位于危险区内", "not for staying": "不可住宿",
}  # fmt: skip
Called: TypeAlias = Mapping[Hashable, str]
_REASONS_ZH: Final = dict(zip(REASONS, _ZH, strict=True))


@dataclass(frozen=True)
class Sentence:
    """One statement in both languages."""

    en: str
    zh: str


def sentences(plan: Plan, names: Mapping[Hashable, str] | None = None) -> tuple[Sentence, ...]:
    """What a plan comes to, then what it lacks, what would help, and what is not known; plain text, to be escaped where shown.

    ``names`` of groups and shelters by their id; an id without one is told as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from geo_risk.access.evacuation import Groups, Shelters, evacuate
    >>> town = Groups(ids=["quay"], people=[50], wheels=[0], care=[0])
    >>> halls = Shelters(ids=["hall", "gym"], free=[40, 4], excluded=["", "closed"])
    >>> for sentence in sentences(evacuate(town, halls, np.array([[90.0, 60.0]]), 900.0)):
    ...     print(sentence.en)
    40 of 50 people have a place within 15 min; 60 person-minutes in all.
    Short of 10 places in quay: 50 people can reach only hall, with 40 places.
    Opening gym (closed) saves 4.
    """
    called = names or {}
    return (
        _sum(plan),
        *(_shortage(each, called) for each in plan.shortages),
        *_other_reasons(plan, called),
        *(_opening(each, called) for each in plan.openings if each.saves),
        *(_raised(each) for each in plan.limits),
        *_change(plan, called),
        *_opened(plan),
        *_unknown(plan, called),
    )


def _sum(plan: Plan) -> Sentence:
    within = "" if plan.limit_s == float("inf") else f" within {_minutes(plan.limit_s)} min"
    zh_within = "" if plan.limit_s == float("inf") else f"{_minutes(plan.limit_s)} 分钟内"
    minutes = _minutes(plan.person_seconds)
    return Sentence(
        f"{plan.placed} of {plan.people} people have a place{within}; {minutes} person-minutes in all.",
        f"{zh_within}可安置 {plan.placed} 人（共 {plan.people} 人），合计 {minutes} 人·分钟。",
    )


def _shortage(short: Shortage, called: Called) -> Sentence:
    groups, shelters = (_names(called, each, ", ", "and {} more") for each in (short.groups, short.shelters))
    zh_groups, zh_shelters = (_names(called, each, "、", "等另外 {} 处") for each in (short.groups, short.shelters))
    return Sentence(
        f"Short of {_many(short.short, 'place', 'places')} in {groups}: {_many(short.people, 'person', 'people')} can reach only "
        f"{shelters}, with {_many(short.places, 'place', 'places')}.",
        f"{zh_groups}缺 {short.short} 个床位：{short.people} 人只能到达{zh_shelters}，共 {short.places} 个床位。",
    )


def _other_reasons(plan: Plan, called: Called) -> Iterable[Sentence]:
    for reason in REASONS[:-1]:
        part = plan.unplaced[plan.unplaced["reason"] == reason]
        if len(part):
            people, groups = int(part["people"].sum()), tuple(dict.fromkeys(part["group"]))
            yield Sentence(
                f"{_many(people, 'person', 'people')}, {reason}: {_names(called, groups, ', ', 'and {} more')}.",
                f"{people} 人{_REASONS_ZH[reason]}：{_names(called, groups, '、', '等另外 {} 处')}。",
            )


def _opening(opening: Opening, called: Called) -> Sentence:
    name, zh = _name(called, opening.shelter), _EXCLUDED_ZH.get(opening.reason, opening.reason)
    return Sentence(
        f"Opening {name} ({opening.reason}) saves {opening.saves}.", f"启用{name}（{zh}）可多安置 {opening.saves} 人。"
    )


def _raised(raised: Raised) -> Sentence:
    return Sentence(
        f"Raising the limit to {_minutes(raised.limit_s)} min saves {raised.saves}; {raised.left} would still have no place.",
        f"时限放宽到 {_minutes(raised.limit_s)} 分钟可多安置 {raised.saves} 人，仍有 {raised.left} 人无处安置。",
    )


def _change(plan: Plan, called: Called) -> Iterable[Sentence]:
    if plan.change is not None:
        change = plan.change
        cost = _minutes(change.price_person_s)
        stay = _many(change.stay, "person stays", "people stay")
        told, zh_told = _changed(change, called) if change.groups else ("no group changes", "各组均不变动")
        yield Sentence(
            f"{_capital(told)}; {stay} as before; staying costs {cost} person-minutes.",
            f"{zh_told}；{change.stay} 人维持原方案；维持原方案多用 {cost} 人·分钟。",
        )


def _changed(change: Change, called: Called) -> tuple[str, str]:
    """Groups that change, their people, their names, and whether fewer would do."""
    count = len(change.groups)
    proved = "fewer groups cannot" if change.fewest_proved else f"at least {change.at_least} must"
    zh_proved = "不能再少" if change.fewest_proved else f"至少 {change.at_least} 组须变动"
    return (
        f"{_many(count, 'group changes', 'groups change')}, {_many(change.moved, 'person', 'people')}: "
        f"{_names(called, change.groups, ', ', 'and {} more')}; {proved}",
        f"{count} 组变动，共 {change.moved} 人：{_names(called, change.groups, '、', '等另外 {} 处')}；{zh_proved}",
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _opened(plan: Plan) -> Iterable[Sentence]:
    if plan.opened is not None:
        opened = plan.opened
        proved = "fewer are not enough" if opened.fewest_proved else f"at least {opened.at_least} are needed"
        zh_proved = "不能再少" if opened.fewest_proved else f"至少需要 {opened.at_least} 处"
        yield Sentence(
            f"{_many(opened.count, 'shelter is', 'shelters are')} opened; {proved}.",
            f"启用 {opened.count} 处避难场所，{zh_proved}。",
        )


def _unknown(plan: Plan, called: Called) -> Iterable[Sentence]:
    rooms = tuple(plan.load.index[plan.load["state"] == "unknown room"])
    rows = (
        (plan.unknown_groups, "Not counted, people unknown", "人数不明，未计入"),
        (plan.needs_unknown, "Needs unknown, counted as none", "特殊需要不明，按无计"),
        (rooms, "Not used, places unknown", "容量不明，未使用"),
    )
    for ids, en, zh in rows:
        if ids:
            told, zh_told = _names(called, ids, ", ", "and {} more"), _names(called, ids, "、", "等另外 {} 处")
            yield Sentence(f"{en}: {told}.", f"{zh}：{zh_told}。")


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _names(called: Called, ids: tuple[Hashable, ...], comma: str, more: str) -> str:
    told = comma.join(_name(called, each) for each in ids[:_NAMED])
    rest = len(ids) - _NAMED
    return told if rest <= 0 else f"{told} {more.replace('{}', str(rest))}"


def _name(called: Called, each: Hashable) -> str:
    return called.get(each) or str(each)


def _minutes(seconds: float) -> str:
    """Minutes, to a tenth where they are not whole."""
    return f"{seconds / _SECONDS:.1f}".removesuffix(".0")
