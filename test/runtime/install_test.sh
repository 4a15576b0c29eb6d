#!/bin/sh
# Installs the runtime, builds the C example against it with another compiler
# than ours, and runs it.
#   install_test.sh BUILD_FOLDER SOURCE_FOLDER ARTIFACT CMAKE
set -eu
build=$1 source=$2 artifact=$3 cmake=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$cmake" --install "$build" --component runtime --prefix "$folder/prefix" >&2
"$cmake" -S "$source/examples/c-host" -B "$folder/build" -G Ninja \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=gcc \
  -DCMAKE_C_FLAGS=-Werror -DCMAKE_PREFIX_PATH="$folder/prefix" >&2
"$cmake" --build "$folder/build" >&2
"$folder/build/c-host" "$artifact" 4
