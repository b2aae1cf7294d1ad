"""Which encoding a file's bytes are in: strict decoding first, then how plausible the text is; if in doubt, ask."""

import codecs
from collections import Counter
from typing import Final

from geo_risk.errors import FileError, shown

NAMES: Final = {
    "utf8": "utf-8",
    "utf8sig": "utf-8",
    "65001": "utf-8",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "cp936": "gb18030",
    "936": "gb18030",
    "ansi936": "gb18030",
    "cp932": "cp932",
    "932": "cp932",
    "ansi932": "cp932",
    "shiftjis": "cp932",
    "sjis": "cp932",
    "windows31j": "cp932",
    "ms932": "cp932",
    "utf16": "utf-16",
    "ascii": "utf-8",
    "usascii": "utf-8",
}
"""The encodings that can be named, as `.cpg` files and clerks write them, and the codec each is read by.

GBK and GB2312 are read as GB18030, which holds both; Shift_JIS as CP932, which Windows writes under that name.
"""

_SAMPLE: Final = 400_000
_LEAST: Final = 0.5  # what is common in one is rare in the other, so at most one of them reaches it
# Lead bytes of the characters that make up nearly all running text: the first level of each national standard
# (3,755 hanzi of GB 2312, 2,965 kanji of JIS X 0208) with punctuation, full-width letters and kana.
_COMMON_LEADS: Final = {"gb18030": (*range(0xA1, 0xA4), *range(0xB0, 0xD8)), "cp932": (*range(0x81, 0x84), *range(0x88, 0x99))}


def named(name: str) -> str:
    """The codec of an encoding's name.

    Raises
    ------
    FileError
        A name we do not know; the error lists those we do.
    """
    key = name.strip().lower().replace("-", "").replace("_", "").replace(" ", "")
    if key not in NAMES:
        raise FileError(
            "no such encoding",
            expected="utf-8, gb18030 (gbk), cp932 (shift_jis) or utf-16",
            got=shown(name),
            then="say it with --encoding",
        )
    return NAMES[key]


def decided(data: bytes, said: str | None = None) -> tuple[str, bool]:
    """The codec of these bytes and whether it was guessed.

    Raises
    ------
    FileError
        The bytes do not decode in what was said, in nothing we know, or equally well in two.
    """
    if said is not None:
        codec = named(said)
        text_of(data, codec)
        return codec, False
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", False
    if _decodes(data, "utf-8"):
        return "utf-8", False
    return _more_plausible(data), True


def text_of(data: bytes, codec: str) -> str:
    """The text of these bytes, every one of them decoded; a byte-order mark is left out."""
    try:
        return data.decode("utf-8-sig" if codec == "utf-8" else codec)
    except UnicodeDecodeError as error:
        raise FileError(
            "the text does not decode",
            where=f"byte {error.start + 1} (line {data[: error.start].count(10) + 1})",
            expected=codec,
            got=f"byte 0x{data[error.start]:02x}",
            then="say the file's encoding with --encoding utf-8, gb18030 or cp932",
        ) from None


def plausibility(text: str, codec: str) -> float:
    """Share of the characters beyond ASCII that are common in running text of the codec's language, 0 to 1.

    Half-width katakana count as rare: they are what other encodings' bytes turn into under CP932.
    """
    leads = _COMMON_LEADS[codec]
    counts = Counter(letter for letter in text[:_SAMPLE] if ord(letter) > 127)
    common = sum(count for letter, count in counts.items() if _common(letter, codec, leads))
    return common / counts.total() if counts else 0.0


def _common(letter: str, codec: str, leads: tuple[int, ...]) -> bool:
    code = letter.encode(codec, "replace")
    return len(code) == 2 and code[0] in leads and (codec != "gb18030" or code[1] >= 0xA1)


def _more_plausible(data: bytes) -> str:
    scores = {codec: plausibility(data.decode(codec), codec) for codec in _COMMON_LEADS if _decodes(data, codec)}
    ranked = sorted(scores, key=lambda codec: -scores[codec])
    # Bytes A1 to DF only: half-width katakana in one, common hanzi in the other, and nothing to choose by.
    either = len(ranked) == len(_COMMON_LEADS) and all(0xA1 <= byte <= 0xDF for byte in data if byte > 127)
    if ranked and not either and scores[ranked[0]] >= _LEAST:
        return ranked[0]
    fits = " and ".join(f"{codec} ({scores[codec]:.0%} plausible)" for codec in ranked) or "none of them"
    raise FileError(
        "the text's encoding is not certain",
        expected="UTF-8, GB18030 or CP932, one clearly better than the others",
        got=fits,
        then="say it with --encoding gb18030 or --encoding cp932",
    )


def _decodes(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True
