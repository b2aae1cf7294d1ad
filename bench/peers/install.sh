#!/bin/sh
# The peers that `make bench` compares with, each in an environment of its own: bench/peers/install.sh [FOLDER]
# climada and delft-fiat need GDAL's Python bindings built against Debian's libgdal. Nothing here is needed to run geo-risk.
set -eu
folder=${1:-var/peers}
apt-get install -y -qq libgdal-dev g++ python3-dev postgresql-15 postgresql-15-postgis-3
mkdir -p "$folder"
python3 -m venv "$folder/wheels"
"$folder/wheels/bin/pip" install --quiet duckdb==1.5.5 duckdb-extension-spatial sedonadb exactextract rasterstats rioxarray \
    dask-geopandas 'dask[distributed]' geopandas pyarrow numba 'psycopg[binary]'
python3 -m venv "$folder/roads"
"$folder/roads/bin/pip" install --quiet igraph networkx pandana scikit-learn numpy pandas
python3 -m venv "$folder/damagescanner"
"$folder/damagescanner/bin/pip" install --quiet damagescanner==1.0.0b2
for peer in climada delft-fiat; do
    name=${peer#delft-}
    python3 -m venv "$folder/$name"
    "$folder/$name/bin/pip" install --quiet 'setuptools<80' wheel 'numpy<2'
    "$folder/$name/bin/pip" install --quiet --no-build-isolation "gdal[numpy]==$(gdal-config --version)"
    "$folder/$name/bin/pip" install --quiet "$peer"
done
echo "run the benchmarks with GEO_RISK_PEERS=$folder"
