#!/bin/sh
# Checks a shared library: libc alone, small, nothing but phlox_ symbols.
#   library_test.sh LIBRARY
set -eu
library=$1
refuse() {
  echo "$library: $1" >&2
  exit 1
}

needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
[ -n "$needed" ] || refuse "must need libc: got nothing"
for name in $needed; do
  case $name in
  libc.so.* | libm.so.* | ld-linux-x86-64.so.*) ;;
  *) refuse "must need libc, libm and the loader alone: got $name" ;;
  esac
done

exported=$(nm -D --defined-only "$library" | sed 's/.* //')
[ -n "$exported" ] || refuse "must export phlox_ functions: got none"
for name in $exported; do
  case $name in
  phlox_*) ;;
  *) refuse "must export phlox_ symbols alone: got $name" ;;
  esac
done

if nm -C "$library" | grep -qiE 'llvm|mlir'; then
  refuse "must hold no symbol of LLVM: got some"
fi
size=$(stat -Lc %s "$library")
[ "$size" -le 2097152 ] || refuse "must be at most 2097152 bytes: got $size"
