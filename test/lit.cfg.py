# How lit runs the .mlir files: phlox-opt from the build tree, FileCheck and
# `not` from LLVM.
import os

import lit.formats

config.name = "phlox"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.excludes = ["Inputs", "testdata"]
config.test_source_root = os.path.join(config.phlox_source_dir, "test")
config.test_exec_root = os.path.join(config.phlox_binary_dir, "test", "lit")
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.phlox_binary_dir, "bin"), config.llvm_tools_dir,
     os.environ["PATH"]])
# a failing FileCheck shows the lines around the difference
config.environment["FILECHECK_OPTS"] = "--dump-input-filter=error"
