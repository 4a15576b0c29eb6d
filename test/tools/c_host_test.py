"""The example in C, built with a C compiler alone, runs a real artifact.

Usage: c_host_test.py PROGRAM RUNTIME_LIBRARY SOURCE_ROOT
"""

import pathlib
import subprocess
import sys
import unittest

LIBRARY, ROOT = (pathlib.Path(word).resolve() for word in sys.argv[2:4])
del sys.argv[2:4]

import cli
from cli import CliTest, read_tensors, write_tensors


class CHostTest(CliTest):
    def test_host_and_command_line_act_alike(self):
        host = self.place / "c-host"
        subprocess.run(
            ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror",
             ROOT / "examples/c-host/main.c", f"-I{ROOT}/runtime/include",
             LIBRARY, f"-Wl,-rpath,{LIBRARY.parent}", "-o", host],
            check=True, timeout=60)
        result = subprocess.run([host, self.artifact, "5"], text=True,
                                capture_output=True, timeout=20)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        write_tensors(self.place / "in", {"obs": ("F32", [1, 1], [0.0]),
                                          "step": ("U64", [], [0])})
        self.succeed("run", self.artifact, "evaluate_1", "--init", "5", "--in",
                     self.place / "in", "--out", self.place / "out")
        action = read_tensors(self.place / "out")["action"]
        self.assertEqual([f"{value:g}" for value in action],
                         result.stdout.split())

    def test_host_refuses_damage(self):
        host = self.place / "c-host"
        subprocess.run(
            ["cc", ROOT / "examples/c-host/main.c",
             f"-I{ROOT}/runtime/include", LIBRARY,
             f"-Wl,-rpath,{LIBRARY.parent}", "-o", host],
            check=True, timeout=60)
        bad = self.place / "bad.so"
        bad.write_bytes(self.artifact.read_bytes()[:-9])
        result = subprocess.run([host, bad], text=True, capture_output=True,
                                timeout=20)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertRegex(result.stderr, r"\Ac-host: .*bad\.so[^\n]*\n\Z")


if __name__ == "__main__":
    unittest.main()
