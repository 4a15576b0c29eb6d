"""clang-tidy 22 with .clang-tidy has nothing to say about the sources.

Takes the build's own commands, so it sees what is compiled. Sources on top of
MLIR or of the command line's library take minutes: the target `tidy` covers
them too, this check the others.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import checks

BINARY = "clang-tidy-22"
FOLDERS = ("runtime/", "rl/json", "rl/toml", "rl/replay/", "rl/trainer/", "rl/report/", "envs/")
EVERYTHING = ("runtime/", "rl/", "envs/", "tools/", "dsl/", "compiler/")
WARNING = re.compile(r"^(/[^\n]*?:\d+):\d+: (?:warning|error): ([^\n]*)", re.M)


def tidy(root, build, path):
    """Returns the complaints about one source."""
    result = subprocess.run([BINARY, "--quiet", "-p", str(build), str(path)],
                            cwd=root, capture_output=True, text=True)
    found = [f"{where.removeprefix(str(root) + '/')}: {what}"
             for where, what in WARNING.findall(result.stdout)]
    if result.returncode and not found:
        found.append(f"{path}: {BINARY} must run: got {result.stderr.strip()}")
    return found


def check_folders(root, folders):
    if not shutil.which(BINARY):
        return [f"{BINARY} must be installed: got none"]
    build = root
    if root == checks.ROOT:
        build = pathlib.Path(os.environ["PHLOX_BUILD_DIR"])
    commands = json.loads((build / "compile_commands.json").read_text())
    paths = sorted({command["file"] for command in commands
                    if command["file"].removeprefix(f"{root}/")
                    .startswith(folders)})
    if not paths:
        return ["the build must compile sources: got none"]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda path: tidy(root, build, path), paths)
        return sorted({text for texts in found for text in texts})


def check(root):
    return check_folders(root, FOLDERS)


def sample(name, text):
    """Returns a tree with one source whose command needs no folder."""
    command = [{"directory": "/", "file": f"runtime/{name}.cpp",
                "command": f"clang++-22 -std=c++20 -c runtime/{name}.cpp"}]
    return {f"runtime/{name}.cpp": text,
            "compile_commands.json": json.dumps(command)}


STYLE = (checks.ROOT / ".clang-tidy").read_text(encoding="utf-8")
if sys.argv[1:] == ["--everything"]:
    complaints = check_folders(checks.ROOT, EVERYTHING)
    print("\n".join(complaints))
    sys.exit(1 if complaints else 0)
GOOD = {".clang-tidy": STYLE, **sample("a", "int good_name() { return 0; }\n")}
checks.run(check, GOOD,
           [(sample("b", "int BadName() { return 0; }\n"), "BadName"),
            (sample("b", "struct bad_name {};\n"), "bad_name")])
