"""Reads ODS files through llvm-tblgen, so that checks see what is registered."""

import json
import os
import pathlib
import subprocess

LLVM = pathlib.Path(os.environ.get("PHLOX_LLVM_DIR", "/usr/lib/llvm-22"))


def records(root, path):
    """Returns all records of a .td file as llvm-tblgen prints them."""
    command = [str(LLVM / "bin/llvm-tblgen"), "--dump-json", "-I", str(root),
               "-I", str(LLVM / "include"), str(root / path)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{path} must pass llvm-tblgen: got {result.stderr}")
    return json.loads(result.stdout)


def instances(root, path, kind):
    """Returns the records of one class, each with its name under "!name"."""
    table = records(root, path)
    return [table[name] for name in sorted(table["!instanceof"].get(kind, []))]


def ops(root):
    """Returns (class, mnemonic, record) of every op, SoftmaxOp being a class."""
    return [(record["!name"].removeprefix("Phlox_"), record["opName"], record)
            for record in instances(root, "compiler/dialect/PhloxOps.td", "Op")]


def has_trait(record, name):
    """Returns whether an op lists a trait by this name."""
    return any(trait.get("def") == name for trait in record["traits"])
