"""A pass is files of one stem: its source and two tests.

SplitConcat in Passes.td means SplitConcat.cpp of at most 400 lines, the
argument --phlox-split-concat, and below test/ split-concat.mlir, which checks
the IR, and split-concat-numeric.mlir, which checks the numbers. A pass that
only analyses or lowers whole functions says `Structural` in its description's
first line and has no numeric test of its own.
"""

import re

import checks
import ods

TABLE = "compiler/passes/Passes.td"
LINES = 400


def check(root):
    complaints = []
    names = {path.name for path in checks.files(root)}
    passes = ods.instances(root, TABLE, "PassBase")
    for record in passes:
        name = record["!name"]
        complain = lambda what: complaints.append(f"pass {name}: {what}")
        stem = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
        if record["argument"] != f"phlox-{stem}":
            complain(f"its argument must be phlox-{stem}: "
                     f"got {record['argument']}")
        source = root / "compiler/passes" / f"{name}.cpp"
        if not source.exists():
            complain(f"compiler/passes/{name}.cpp must exist: got none")
        elif checks.read(root, source).count("\n") > LINES:
            complain(f"{name}.cpp must have at most {LINES} lines")
        needed = [f"{stem}.mlir"]
        if not record["description"].strip().startswith("Structural"):
            needed.append(f"{stem}-numeric.mlir")
        for file in needed:
            if file not in names:
                complain(f"test {file} must exist: got none")
    if not passes:
        complaints.append(f"{TABLE} must define passes: got none")
    return complaints


TD = """include "mlir/Pass/PassBase.td"
def SplitConcat : Pass<"phlox-split-concat"> { let summary = "s"; }
def PlanBuffers : Pass<"phlox-plan-buffers"> {
  let description = "Structural: no numbers change.";
}
"""
checks.run(
    check,
    {TABLE: TD, "compiler/passes/SplitConcat.cpp": "",
     "compiler/passes/PlanBuffers.cpp": "",
     "test/compiler/passes/split-concat.mlir": "",
     "test/compiler/passes/split-concat-numeric.mlir": "",
     "test/compiler/passes/plan-buffers.mlir": ""},
    [({TABLE: TD.replace("phlox-split", "split")}, "argument must be"),
     ({TABLE: TD.replace("Structural", "Plans")}, "plan-buffers-numeric.mlir"),
     ({TABLE: TD + 'def Fuse : Pass<"phlox-fuse">;\n'}, "Fuse.cpp must exist"),
     ({"compiler/passes/SplitConcat.cpp": "\n" * 401}, "at most 400 lines"),
     ({TABLE: ""}, "must define passes")])
