"""What the built files link, all levels down: the second half of the layers.

The runtime needs the C library alone; the program must start without LLVM.
"""

import os
import pathlib
import re
import subprocess
import sys

LIBC = {"linux-vdso", "libc", "libm", "libdl", "librt", "libpthread",
        "ld-linux-x86-64", "ld-linux-aarch64"}
COMPILER = re.compile(r"^lib(LLVM|MLIR|lld|phlox_compiler)")
FILES = {"lib/libphlox_runtime.so": lambda name: name in LIBC,
         "bin/phlox": lambda name: not COMPILER.match(name)}


def linked(listing):
    """Returns the stems of the libraries that ldd lists: libc for libc.so.6."""
    names = [line.split()[0] for line in listing.splitlines() if line.strip()]
    return [pathlib.Path(name).name.split(".so")[0] for name in names]


def complaints(file, listing):
    names = linked(listing)
    found = [f"{file}: must not link {name}" for name in names
             if not FILES[file](name)]
    return found if names else [f"{file}: ldd must list libraries: got none"]


GOOD = "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n" \
       "\t/lib64/ld-linux-x86-64.so.2 (0x3)\n"
for file, listing, wrong in [
        ("lib/libphlox_runtime.so", GOOD, False),
        ("bin/phlox", GOOD + "\tlibmujoco.so.4.0.1 => x (0x4)\n", False),
        ("lib/libphlox_runtime.so", GOOD + "\tlibz.so.1 => x (0x4)\n", True),
        ("bin/phlox", GOOD + "\tlibLLVM.so.22.1 => x (0x4)\n", True),
        ("bin/phlox", "", True)]:
    if bool(complaints(file, listing)) != wrong:
        sys.exit(f"sample of {file} must be {'bad' if wrong else 'good'}: "
                 f"got {complaints(file, listing)}")

build = pathlib.Path(os.environ["PHLOX_BUILD_DIR"])
sanitized = re.search(r"CMAKE_CXX_FLAGS:.*-fsanitize",
                      (build / "CMakeCache.txt").read_text())
found = []
for file in FILES:
    if sanitized and file.startswith("lib/"):
        continue  # a sanitizer brings its own libraries
    listing = subprocess.run(["ldd", str(build / file)], capture_output=True,
                             text=True, check=True).stdout
    found += complaints(file, listing)
print("\n".join(found))
sys.exit(1 if found else 0)
