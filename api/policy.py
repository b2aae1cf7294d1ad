"""Deny by default: each route names its policy, and a route without one fails a test.

There is one policy so far. What everybody may read is what the layers' declarations call public.
"""

from typing import Final

from fastapi import Depends

READABLE: Final = ("public",)
"""Sensitivities of columns that a caller without a role may read."""


def everybody() -> None:
    """Anyone who reaches the service may call this route; it shows public columns only."""


EVERYBODY: Final = [Depends(everybody)]
POLICIES: Final = frozenset({everybody})
