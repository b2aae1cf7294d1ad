"""What the map holds: one file a layer, found by looking; reading, checking, storing; the demo city."""
