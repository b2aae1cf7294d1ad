"""Entity tags: a feature's is the revision that made it. Lists of them as `If-Match` and `If-None-Match` hold them (RFC 9110)."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from geo_risk.errors import ParameterError, shown

_ONE: Final = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST: Final = re.compile(rf"[ \t]*{_ONE}[ \t]*(?:,[ \t]*{_ONE}[ \t]*)*")
_EACH: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_REVISION: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class Tags(NamedTuple):
    """The tags of a header: ``any`` for ``*``, else each as (is it weak, what it says)."""

    any: bool
    each: tuple[tuple[bool, str], ...] = ()


def tag_of(revision: int) -> str:
    """The tag of a feature's state.

    >>> tag_of(12)
    '"12"'
    """
    return f'"{revision}"'


def tags_in(said: str, where: str) -> Tags:
    r"""The tags of a header's value.

    >>> tags_in('"12", W/"13"', "If-Match").each
    ((False, '12'), (True, '13'))
    """
    if said.strip() == "*":
        return Tags(True)
    if not _LIST.fullmatch(said):
        raise ParameterError(f"{where} holds no entity tags", where=where, expected='"12", or *', got=shown(said))
    return Tags(False, tuple((bool(weak), tag) for weak, tag in _EACH.findall(said)))


def revisions_in(tags: Tags) -> frozenset[int]:
    """The revisions that the tags name by strong comparison: a weak tag names none, nor does one that we never gave."""
    return frozenset(int(tag) for weak, tag in tags.each if not weak and _REVISION.fullmatch(tag))


def is_known(headers: Mapping[str, str], tag: str) -> bool:
    """Whether ``If-None-Match`` names this tag by weak comparison; a header that cannot be read names none.

    >>> is_known({"if-none-match": 'W/"12"'}, '"12"'), is_known({}, '"12"')
    (True, False)
    """
    said = headers.get("if-none-match")
    if said is None:
        return False
    if said.strip() == "*":
        return True
    return bool(_LIST.fullmatch(said)) and tag.removeprefix("W/").strip('"') in {found for _, found in _EACH.findall(said)}
