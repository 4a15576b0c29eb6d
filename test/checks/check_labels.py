"""An op's constraints (C1)...(Cn) are numbered, checked and tested.

Every one is named in a test, as mnemonic_cN; one that our own code reports, as
"[mnemonic_cN]" in compiler/, is named in the text that the test expects, and
belongs to an op that documents it. Ops that share their text through the
element-wise classes are covered by one test of the class: pointwise_cN.
"""

import re

import checks
import ods

CONSTRAINT = re.compile(r"\(C(\d+)\)")
EMITTED = re.compile(r"\[(\w+_c\d+)\]")
COMMENT = re.compile(r"//[^\n]*")


def check(root):
    complaints = []
    tests = "".join(checks.read(root, path)
                    for path in checks.files(root, ".mlir", "_test.cpp")
                    if path.parts[0] == "test")
    named = set(re.findall(r"\b[a-z]\w*_c\d+\b", tests))
    expected = set(EMITTED.findall(tests.replace("\\", "")))
    documented = set()
    for name, mnemonic, record in ods.ops(root):
        numbers = sorted({int(n) for n in CONSTRAINT.findall(
            record["description"])})
        if numbers != list(range(1, len(numbers) + 1)):
            complaints.append(f"op {mnemonic}: constraints must be numbered "
                              f"from (C1): got {numbers}")
        shared = ods.has_trait(record, "Phlox_Pointwise")
        for number in numbers:
            label = f"{mnemonic}_c{number}"
            documented.add(label)
            if label not in named and not (
                    shared and f"pointwise_c{number}" in named):
                complaints.append(f"op {mnemonic}: a test must name {label}: "
                                  "got none")
    for path in checks.files(root, ".cpp", ".h"):
        if path.parts[0] != "compiler":
            continue
        for label in sorted(set(EMITTED.findall(
                COMMENT.sub("", checks.read(root, path))))):
            if label not in documented:
                complaints.append(f"{path}: [{label}] must belong to an op's "
                                  "description: got none")
            elif label not in expected:
                complaints.append(f"{path}: a test must expect [{label}]: "
                                  "got none")
    return complaints


TD = """include "mlir/IR/OpBase.td"
def Phlox_Dialect : Dialect { let name = "phlox"; }
def Phlox_Pointwise : NativeOpTrait<"Pointwise">;
def Phlox_AbsOp : Op<Phlox_Dialect, "abs", [Phlox_Pointwise]> {
  let description = "(C1) one type.";
}
def Phlox_SoftmaxOp : Op<Phlox_Dialect, "softmax"> {
  let description = "(C1) one type. (C2) the axis exists.%s";
}
"""
TEST = "// softmax_c1 pointwise_c1\n// expected-error {{[softmax_c2] axis}}\n"
checks.run(
    check,
    {"compiler/dialect/PhloxOps.td": TD % "",
     "compiler/ops/Softmax.cpp": 'emitOpError("[softmax_c2] axis")',
     "test/compiler/ops/softmax.mlir": TEST},
    [({"compiler/dialect/PhloxOps.td": TD % " (C4) more."}, "numbered from (C1)"),
     ({"compiler/dialect/PhloxOps.td": TD % " (C3) more."},
      "must name softmax_c3"),
     ({"compiler/ops/Softmax.cpp": '"[softmax_c3] axis"'}, "must belong"),
     ({"test/compiler/ops/softmax.mlir": TEST.replace("pointwise", "other")},
      "must name abs_c1"),
     ({"test/compiler/ops/softmax.mlir": TEST.replace("[softmax_c2]",
                                                      "softmax_c2")},
      "must expect [softmax_c2]")])
