"""geo-risk, the engine: pure functions on frames, arrays and rasters. Imports none of the other packages."""

__version__ = "0.1.0"
