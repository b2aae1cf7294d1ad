"""What the hazard is at a thing: rasters, zones, points with reach, rain; read by named choices."""
