"""Sources stay small: warn at 500 lines, fail at 800; mains have at most 60.

Nothing that a build makes is tracked.
"""

import checks

SOURCES = (".cpp", ".h", ".c", ".cu", ".td", ".py", ".mlir", ".sh", ".cmake",
           "CMakeLists.txt")
BUILT = (".so", ".o", ".a", ".onnx", ".mp4", ".whl", ".bin", ".pyc")
WARN, FAIL, MAIN, BYTES = 500, 800, 60, 1 << 20


def check(root):
    complaints = []
    for path in checks.files(root):
        size = (root / path).stat().st_size
        if path.name.endswith(BUILT):
            complaints.append(f"{path}: must not be tracked: got a built file")
        elif size > BYTES:
            complaints.append(f"{path}: must have at most 1 MiB: got {size}")
    for path in checks.files(root, *SOURCES):
        lines = checks.read(root, path).count("\n")
        limit = MAIN if path.match("tools/*/main.cpp") else FAIL
        if lines > limit:
            complaints.append(
                f"{path}: must have at most {limit} lines: got {lines}")
        elif lines > WARN:
            print(f"warning: {path} has {lines} lines, more than {WARN}")
    return complaints


checks.run(
    check,
    {"runtime/a.cpp": "int a;\n" * 800, "tools/phlox/main.cpp": "\n" * 60},
    [({"runtime/b.cpp": "int a;\n" * 801}, "at most 800 lines: got 801"),
     ({"tools/phlox/main.cpp": "\n" * 61}, "at most 60 lines: got 61"),
     ({"runtime/b.so": "x"}, "got a built file"),
     ({"docs/log.txt": "x" * (BYTES + 1)}, "at most 1 MiB")])
