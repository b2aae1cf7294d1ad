"""The page of accounts and keys, for admins: made of constants only; who there is arrives by fetch."""

from typing import Any, Final

from layers._catalog import catalog
from layers._layer import SENSITIVITIES
from layers._store.accounts import CLEARANCE, ROLES, VERBS, at_least, clearances, shown_to_all
from maps.page import PageSettings, rendered
from maps.words import words

_WORDS: Final = (
    "accounts.", "clearance.", "may.", "person.", "scope.", "sign.", "error.", "lost.", "age.", "panel.close", "problem.detail",
    "edit.leave", "edit.save",
)  # fmt: skip


def accounts_page(language: str, settings: PageSettings) -> str:
    """The HTML of the page of accounts; the same bytes whoever has an account."""
    page = {
        "language": language,
        "words": {key: text for key, text in words(language).items() if key.startswith(_WORDS)},
        "roles": roles_told(),
        "layers": layers_told(),
    }
    return rendered("accounts.html", language, settings, page=page)


def roles_told() -> list[dict[str, Any]]:
    """Each role with the clearance it brings, those it may have, and what its keys may do: from the rules that the store holds.

    >>> roles_told()[0]
    {'id': 'wall', 'clearance': 'public', 'clearances': ['public', 'internal'], 'scopes': ['read', 'metrics']}
    """
    return [
        {
            "id": role, "clearance": CLEARANCE[role], "clearances": [each for each in SENSITIVITIES if each in clearances(role)],
            "scopes": [verb for verb, least in VERBS.items() if at_least(role, least)],
        }
        for role in ROLES
    ]  # fmt: skip


def layers_told() -> list[dict[str, Any]]:
    """Every layer with its titles, and whether it can be hidden from somebody."""
    shown = shown_to_all(catalog())
    return [
        {"id": each.id, "title": dict(each.title), "group": each.group, "hideable": each.id not in shown}
        for each in catalog().values()
    ]
