"""How much of a file is read at most; each a setting."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one reading: bytes of the file and unzipped, rows, vertices a feature, memory and seconds of the reader."""

    upload_bytes: int = 200_000_000
    unzipped_bytes: int = 1_000_000_000
    zip_ratio: int = 100
    zip_entries: int = 50
    rows: int = 1_000_000
    columns: int = 500
    vertices: int = 100_000
    memory_bytes: int = 6_000_000_000
    seconds: int = 600
