"""Direct includes obey the table of folders, most specific folder first.

A quoted include is rooted at the top folder; `phlox/` is the runtime's C ABI.
"""

import re

import checks

MLIR = ["mlir/", "mlir-c/", "llvm/", "llvm-c/", "lld/"]
RUNTIME = ["runtime/", "phlox/"]
LIBRARIES = ["fmt/", "nlohmann/", "toml++/"]
TESTING = ["gtest/", "gmock/", "test/support/"]
ANY = [""]

# folder: prefixes that it may include beside the standard library and the OS
ALLOWED = {
    "runtime": RUNTIME,
    "compiler": ["compiler/", "phlox/executable.h"] + MLIR + LIBRARIES,
    # what this machine runs is for the runtime to say
    "compiler/codegen/cpu": ["compiler/", "phlox/"] + MLIR + LIBRARIES,
    # one writer and one reader of trailers, in a library that needs nothing
    "compiler/artifact": ["compiler/", "phlox/executable.h", "runtime/file.h",
                          "runtime/sha256.h", "runtime/trailer.h"]
    + MLIR + LIBRARIES,
    "dsl": ["dsl/", "compiler/"] + MLIR,
    "rl/algorithms": ["rl/algorithms/", "dsl/"] + LIBRARIES,
    "rl": ["rl/json.h", "rl/toml.h", "rl/replay/", "rl/trainer/", "rl/report/",
           "google/protobuf/"]
    + RUNTIME + LIBRARIES,
    "envs": ["envs/", "mujoco/"] + LIBRARIES,
    # what a user's program may rest on
    "examples": ["dsl/", "rl/algorithms/", "compiler/artifact/Link.h", "phlox/",
                 "envs/", "mujoco/", "fmt/", "nlohmann/"],
    # becomes part of an exported folder, beside these
    "examples/exported-policy": ["policy.h", "policy_check.h", "phlox/"],
    "tools": ANY,
    "bench": ANY,
    "test/support": ANY,
    "test/tools": ANY,
    "test/fuzz": ANY,  # all modes
}
# a test may include what its subject may, and these
ALSO_IN_TESTS = {
    "test/envs": ["rl/trainer/environment.h"],  # holds the concept against it
    # whole programs as users write them, and the modules that they become
    "test/compiler/pipelines": ["dsl/"],
    "test/compiler/passes": ["dsl/"],
    "test/compiler/codegen": ["dsl/"],
    "test/rl/algorithms": MLIR,
    # algorithms and their parts, compiled and run
    "test/rl/lqr": ["dsl/", "rl/algorithms/"],
    "test/rl/modes": ["dsl/", "rl/algorithms/", "compiler/"],
}
SYSTEM = ("sys/", "gnu/", "linux/", "asm/", "arpa/", "netinet/", "net/")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def allowed(path):
    """Returns the prefixes that a file may include, None where no rule is."""
    folders = [str(folder) for folder in path.parents][:-1]
    for folder in folders:
        if folder in ALLOWED:
            return ALLOWED[folder]
    for folder in folders:
        subject = folder.removeprefix("test/")
        if folder.startswith("test/") and subject in ALLOWED:
            extra = [p for key, value in ALSO_IN_TESTS.items() for p in value
                     if str(path.parent).startswith(key)]
            return ALLOWED[subject] + TESTING + [folder + "/"] + extra
    return None


def check(root):
    complaints = []
    sources = checks.files(root, ".cpp", ".h", ".c", ".cu", ".inc")
    for path in sources:
        prefixes = allowed(path)
        if prefixes is None:
            complaints.append(f"{path}: must lie in a folder with a layer rule")
            continue
        for match in INCLUDE.finditer(checks.read(root, path)):
            quote, name = match.groups()
            standard = quote == "<" and ("/" not in name
                                         or name.startswith(SYSTEM))
            # stored programs of tests and examples stand alone, like a user's
            beside = quote == '"' and {"testdata", "examples"} & set(path.parts)
            if beside and (root / path.parent / name).is_file():
                continue
            if not standard and not name.startswith(tuple(prefixes)):
                complaints.append(
                    f"{path}: must include only {' '.join(prefixes)}: "
                    f"got {name}")
    if not sources:
        complaints.append("the tree must hold sources: got none")
    return complaints


checks.run(
    check,
    {"runtime/a.cpp": '#include "phlox/runtime.h"\n#include <sys/mman.h>\n',
     "compiler/ops/B.cpp": '#include "phlox/executable.h"\n'
                           '#include "mlir/IR/Builders.h"\n',
     "test/runtime/a_test.cpp": '#include "runtime/arena.h"\n'
                                '#include <gtest/gtest.h>\n',
     "test/runtime/testdata/b.c": '#include "b.h"\n',
     "test/runtime/testdata/b.h": ""},
    [({"runtime/b.cpp": '#include "compiler/dialect/Phlox.h"\n'},
      "runtime/b.cpp: must include only"),
     ({"runtime/b.h": "#  include <llvm/ADT/SmallVector.h>\n"}, "got llvm/"),
     ({"compiler/ops/C.cpp": '#include "phlox/runtime.h"\n'},
      "got phlox/runtime.h"),
     ({"rl/trainer/c.cpp": '#include "envs/ant.h"\n'}, "got envs/ant.h"),
     ({"rl/algorithms/c.cpp": '#include "phlox/runtime.h"\n'},
      "rl/algorithms/c.cpp: must include only"),
     ({"envs/d.cpp": '#include "rl/trainer/environment.h"\n'}, "got rl/"),
     ({"test/runtime/b_test.cpp": '#include "compiler/a.h"\n'},
      "got compiler/a.h"),
     ({"runtime/c.cpp": '#include "a.h"\n', "runtime/a.h": ""}, "got a.h"),
     ({"test/runtime/testdata/c.c": '#include "c.h"\n'}, "got c.h"),
     ({"examples/a/b.cpp": '#include "compiler/ops/Graph.h"\n'},
      "got compiler/ops/Graph.h"),
     ({"misc/e.cpp": ""}, "must lie in a folder with a layer rule")])
