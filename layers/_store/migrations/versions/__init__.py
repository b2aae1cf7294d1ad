"""One file a schema; each states its tables as they were then, and is never changed."""
