"""SQL of the PostGIS store: what Python does for a write, done for an edit through a view, byte for byte the same."""
