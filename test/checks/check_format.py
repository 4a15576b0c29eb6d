"""C and C++ sources are as clang-format 22 with .clang-format lays them out."""

import re
import shutil
import subprocess

import checks

BINARY = "clang-format-22"


def check(root):
    paths = [str(path) for path in
             checks.files(root, ".cpp", ".h", ".c", ".cu")]
    if not paths:
        return ["the tree must hold sources: got none"]
    if not shutil.which(BINARY):
        return [f"{BINARY} must be installed: got none"]
    result = subprocess.run([BINARY, "--dry-run", *paths], cwd=root,
                            capture_output=True, text=True)
    lines = {}
    for match in re.finditer(r"^([^:\n]+):(\d+):\d+: warning", result.stderr,
                             re.M):
        lines.setdefault(match.group(1), match.group(2))
    found = [f"{path}:{line}: must be laid out by {BINARY}"
             for path, line in lines.items()]
    if result.returncode and not found:
        found.append(result.stderr.strip())
    return found


STYLE = (checks.ROOT / ".clang-format").read_text(encoding="utf-8")
checks.run(check, {".clang-format": STYLE, "a.cpp": "int a;\n"},
           [({"b.h": "int  b ;\n"}, "b.h:1: must be laid out")])
