#!/bin/sh
# Installs a list of pinned packages, two halves at a time: pip itself works on one core and waits for the network.
# The list is complete and has hashes, so nothing is resolved; Python compiles what it uses when it first uses it.
set -eu
python=$1 list=$2
halves=$(mktemp -d)
trap 'rm -rf "$halves"' EXIT
awk -v folder="$halves" '/^[^ #]/ { half = count++ % 2 } { print > (folder "/" half ".txt") }' "$list"
install() {
    "$python" -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps --no-compile -r "$halves/$1.txt"
}
install 0 &
other=$!
install 1 || { kill "$other"; exit 1; }
wait "$other"
