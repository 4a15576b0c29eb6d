"""One op is one rules file and one test file, named after it.

The mnemonic has the class's letters. Element-wise ops may share the files that
begin with Pointwise and pointwise; each must still name the op.
"""

import re

import checks
import ods


def check(root):
    complaints = []
    rules = checks.files(root / "compiler/ops", ".cpp")
    rules = {p.stem: checks.read(root / "compiler/ops", p) for p in rules}
    tests = checks.files(root / "test/compiler/ops", ".mlir")
    tests = {p.stem: checks.read(root / "test/compiler/ops", p) for p in tests}
    ops = ods.ops(root)
    for name, mnemonic, record in ops:
        stem = name.removesuffix("Op")
        if not name.endswith("Op") or stem.lower() != mnemonic:
            complaints.append(f"op {mnemonic}: its class must have the same "
                              f"letters and end in Op: got {name}")
        share = ods.has_trait(record, "Phlox_Pointwise")
        own = rules.get(stem, "")
        shared = [text for key, text in rules.items()
                  if share and key.startswith("Pointwise")]
        if not any(re.search(rf"\b{name}\b", text) for text in [own] + shared):
            complaints.append(f"op {mnemonic}: compiler/ops/{stem}.cpp must hold "
                              f"the rules of {name}: got none")
        own = tests.get(mnemonic, "")
        shared = [text for key, text in tests.items()
                  if share and key.startswith("pointwise")]
        if not any(re.search(rf"\bphlox\.{mnemonic}\b", text)
                   for text in [own] + shared):
            complaints.append(f"op {mnemonic}: test/compiler/ops/{mnemonic}.mlir "
                              f"must use phlox.{mnemonic}: got none")
    if not ops:
        complaints.append("PhloxOps.td must define ops: got none")
    return complaints


TD = """include "mlir/IR/OpBase.td"
def Phlox_Dialect : Dialect { let name = "phlox"; }
def Phlox_Pointwise : NativeOpTrait<"Pointwise">;
def Phlox_%sOp : Op<Phlox_Dialect, "logaddexp">;
def Phlox_AbsOp : Op<Phlox_Dialect, "abs", [Phlox_Pointwise]>;
"""
checks.run(
    check,
    {"compiler/dialect/PhloxOps.td": TD % "LogAddExp",
     "compiler/ops/LogAddExp.cpp": "LogAddExpOp::eval",
     "compiler/ops/Pointwise.cpp": "AbsOp::eval",
     "test/compiler/ops/logaddexp.mlir": "phlox.logaddexp",
     "test/compiler/ops/pointwise.mlir": "phlox.abs"},
    [({"compiler/dialect/PhloxOps.td": TD % "LogSum"}, "the same letters"),
     ({"compiler/ops/LogAddExp.cpp": "LogOp::eval"}, "compiler/ops/LogAddExp"),
     ({"compiler/ops/Pointwise.cpp": ""}, "must hold the rules of AbsOp"),
     ({"test/compiler/ops/logaddexp.mlir": "phlox.log"}, "must use phlox.logad"),
     ({"test/compiler/ops/pointwise.mlir": ""}, "must use phlox.abs"),
     ({"compiler/dialect/PhloxOps.td": ""}, "must define ops")])
