"""The inside of the process that opens other people's files: bytes to plain columns, and nothing else.

`layers._read` starts it with limits on memory and time and may kill it. It imports no pandas, geopandas or pyproj,
so that it starts at once, and GDAL only for the two formats that need it.
"""
