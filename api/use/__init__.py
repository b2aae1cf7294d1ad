"""Use cases: plain functions on a snapshot of the store, typed parameters in, frozen results out. No HTTP in them."""
