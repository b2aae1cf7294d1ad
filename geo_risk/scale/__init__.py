"""The same verbs over exposure too large for one frame: GeoParquet in partitions, in one process or on Dask."""
