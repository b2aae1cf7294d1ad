"""dBASE tables: fixed-width records decoded strictly, because GDAL puts question marks where text does not decode."""

import struct
from typing import Final, NamedTuple

from geo_risk.errors import FileError
from layers._worker.content import Cell, Note, Problem
from layers._worker.encoding import decided, named, text_of
from layers._worker.plain import plain, plain_list
from layers._worker.table import header

_MAX_FIELDS: Final = 500
_NAME_BYTES: Final = 10


class Dbf(NamedTuple):
    """Columns of text as written, which records are not marked deleted, how the text was decoded, what was lost."""

    columns: dict[str, list[Cell]]
    kept: list[bool]
    codec: str
    problems: tuple[Problem, ...]
    notes: tuple[Note, ...]


def read_dbf(data: bytes, said: str | None, *, by_clerk: bool) -> Dbf:
    """A table's records. ``said`` is the encoding by the clerk or by the .cpg file, if any.

    A text that the format's field width cut inside a character loses that half character: a problem of its row.
    """
    count, header_bytes, record_bytes = _sizes(data)
    fields = _fields(data, header_bytes)
    codec, notes = _codec(data, said, by_clerk)
    names, renamed = header([_cut_text(name, codec)[0] for name, _, _ in fields], _MAX_FIELDS)
    records = [data[header_bytes + place * record_bytes :][:record_bytes] for place in range(count)]
    problems: list[Problem] = []
    columns: dict[str, list[Cell]] = {}
    start = 1
    for name, (_, _, width) in zip(names, fields, strict=True):
        read = [_cut_text(record[start : start + width], codec) for record in records]
        columns[name] = [text.strip(" \0") for text, _ in read]
        problems += [Problem(row, name, plain(text), "text_cut") for row, (text, cut) in enumerate(read, start=1) if cut]
        start += width
    kept = [record[:1] != b"*" for record in records]
    return Dbf(columns, kept, codec, tuple(problems), (*notes, *renamed, *_names_cut(fields, names)))


def _names_cut(fields: list[tuple[bytes, str, int]], names: list[str]) -> tuple[Note, ...]:
    """Names that fill the ten bytes the format has for them may have been longer."""
    full = [name for name, (raw, _, _) in zip(names, fields, strict=True) if len(raw) >= _NAME_BYTES]
    return (Note("names_may_be_cut", (("columns", plain_list(full)),)),) if full else ()


def _sizes(data: bytes) -> tuple[int, int, int]:
    if len(data) < 33:
        raise FileError("the .dbf is too short", expected="a dBASE table", got=f"{len(data)} bytes", then="copy the file again")
    count, header_bytes, record_bytes = struct.unpack_from("<IHH", data, 4)
    if header_bytes < 33 or record_bytes < 1 or header_bytes + count * record_bytes > len(data):
        raise FileError(
            "the .dbf is cut short",
            expected=f"{count} records of {record_bytes} bytes",
            got=f"{len(data)} bytes",
            then="copy the file again",
        )
    return count, header_bytes, record_bytes


def _fields(data: bytes, header_bytes: int) -> list[tuple[bytes, str, int]]:
    """Name, type letter and width of each field; a width of text may use the decimals' byte for its high part."""
    found = []
    for start in range(32, header_bytes - 1, 32):
        if data[start] == 0x0D:
            break
        name, kind, width = data[start : start + 11].split(b"\0")[0], chr(data[start + 11]), data[start + 16]
        found.append((name, kind, width + (data[start + 17] << 8 if kind == "C" else 0)))
    return found


def _codec(data: bytes, said: str | None, by_clerk: bool) -> tuple[str, tuple[Note, ...]]:
    if said is not None:
        return named(said), () if by_clerk else (Note("encoding_by_cpg", (("encoding", named(said)),)),)
    codec, guessed = _decided_by_fields(data)
    return codec, (Note("encoding_guessed", (("encoding", codec),)),) if guessed else ()


def _decided_by_fields(data: bytes) -> tuple[str, bool]:
    """Decided by the texts that do not fill their field: those the format cannot have cut inside a character."""
    _, header_bytes, record_bytes = _sizes(data)
    texts, start = [], header_bytes + 1
    for name, kind, width in _fields(data, header_bytes):
        cells = (
            [data[place : place + width].rstrip(b" \0") for place in range(start, len(data) - width + 1, record_bytes)]
            if kind == "C"
            else []
        )
        texts += [name for name in (name,) if len(name) < _NAME_BYTES] + [cell for cell in cells if len(cell) < width]
        start += width
    return decided(b"\n".join(texts) or b" ")


def _cut_text(raw: bytes, codec: str) -> tuple[str, bool]:
    """The text, and whether an incomplete last character was dropped."""
    stripped = raw.rstrip(b" \0")
    try:
        return stripped.decode(codec), False
    except UnicodeDecodeError as error:
        if len(stripped) - error.start > 3:
            text_of(stripped, codec)
        return stripped[: error.start].decode(codec), True
