"""The words of the pages: both languages whole, nothing unused, and who gets which."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_risk.crs import WINDS
from geo_risk.errors import NotFound
from layers._catalog import catalog
from layers._layer import SENSITIVITIES
from layers._store.accounts import ROLES, VERBS
from maps.languages import LANGUAGES, title_key
from maps.shell import STATIC
from maps.words import pick_language, words

SOURCES = [*(STATIC / "js").glob("*.js"), *(STATIC.parent / "templates").glob("*.html"), *STATIC.parent.glob("*.py")]
KEY = re.compile(r"""["'](?P<key>[a-z]+\.[a-z_]+)["']""")
MADE_UP = {
    "wind.": WINDS,
    "role.": ("hazard", "exposure", "vulnerability", "coping"),
    "group.": {layer.group for layer in catalog().values()},
    "problem.": ("lon", "lat", "radius_m", "layers", "other"),
    "person.": ("anonymous", "wall", "viewer", "field", "operator", "admin"),
    "clearance.": SENSITIVITIES,
    "may.": ROLES,
    "scope.": VERBS,
    "accounts.": ("key_good", "key_over", "key_revoked"),
    "live.": ("waiting", "live", "reconnecting", "asking", "paused"),
    "op.": ("create", "update", "delete", "late", "created", "changed", "removed", "back"),
    "net.": ("created", "changed", "removed", "back", "late"),
    "history.": ("geometry", "source", "derived"),
    "shift.": ("outside", "unplaced"),
    "report.": ("waiting", "sending", "sent", "refused", "late", "offline", "busy", "sign_in", "other"),
    "paper.": ("rank", "level", "place", "score"),
    "absent.": ("no_features", "no_values", "not_a_value_of_these_places"),
    "unit.": {column.unit for layer in catalog().values() for column in layer.columns}
    | {factor.unit for layer in catalog().values() for factor in layer.factors},
}
"""Keys that the pages make from a prefix and a code; a unit without a word is shown as it is."""


def asked_for() -> set[str]:
    prefixes = {key.split(".")[0] for key in words("en")}
    texts = [file.read_text(encoding="utf-8") for file in SOURCES]
    found = {match["key"] for text in texts for match in KEY.finditer(text)}
    return {key for key in found if key.split(".")[0] in prefixes and not key.endswith((".js", ".html"))}


def made_up() -> set[str]:
    return {prefix + code for prefix, codes in MADE_UP.items() for code in codes}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_the_pages_ask_for_is_there(language: str) -> None:
    assert asked_for() - set(words(language)) == set()
    assert {key for key in made_up() if not key.startswith("unit.")} - set(words(language)) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_is_unused(language: str) -> None:
    assert set(words(language)) - asked_for() - made_up() == set()


def test_both_languages_have_the_same_keys_and_the_same_gaps_to_fill() -> None:
    chinese, english = words("zh-CN"), words("en")
    assert list(chinese) == list(english)
    assert [k for k in chinese if set(re.findall(r"\{\w+\}", chinese[k])) != set(re.findall(r"\{\w+\}", english[k]))] == []
    assert all(chinese.values())
    assert all(english.values())


def test_an_unknown_language_is_said() -> None:
    with pytest.raises(NotFound, match="no such language; expected: zh-CN, en; got: fr"):
        words("fr")


@pytest.mark.parametrize(
    ("query", "cookie", "accepted", "language"),
    [
        (None, None, None, "zh-CN"),
        ("en", "zh-CN", "zh-CN", "en"),
        (None, "en", "zh-CN", "en"),
        (None, None, "en-GB,en;q=0.9", "en"),
        (None, None, "zh-Hans-CN, en;q=0.9", "zh-CN"),
        (None, None, "zh;q=0.2, en;q=0.9", "en"),
        (None, None, "fr, de;q=0.9", "zh-CN"),
        ("xx", "yy", "fr;q=0.1, en;q=0.05", "en"),
        ("EN_us", None, None, "en"),
        (None, None, "en;q=oops, zh;q=0.1", "zh-CN"),
    ],
)
def test_the_address_comes_before_the_cookie_before_the_browser(
    query: str | None, cookie: str | None, accepted: str | None, language: str
) -> None:
    assert pick_language(query, cookie, accepted) == language


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_whatever_a_browser_sends_a_language_is_picked(query: str, cookie: str, accepted: str) -> None:
    assert pick_language(query, cookie, accepted) in LANGUAGES


def test_titles_have_two_languages() -> None:
    assert [title_key(language) for language in LANGUAGES] == ["zh", "en"]


def test_the_word_files_name_their_language() -> None:
    for folder, language in (("zh_CN", "zh_CN"), ("en", "en")):
        text = (Path(STATIC).parent / "locale" / folder / "LC_MESSAGES" / "geo_risk.po").read_text(encoding="utf-8")
        assert f'"Language: {language}\\n"' in text
