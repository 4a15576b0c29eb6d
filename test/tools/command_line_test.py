"""The frame of the command line: help, versions, exit status, one error line.

Usage: command_line_test.py PROGRAM
"""

import pathlib
import re
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop(1)
SOURCES = pathlib.Path(__file__).resolve().parents[2] / "tools/phlox"
VERB = re.compile(r"^void add_(\w+)_verb\(CLI::App", re.M)


def phlox(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=30)


def verbs():
    """Returns the verbs that the sources define."""
    return [name for path in sorted(SOURCES.glob("*.cpp"))
            for name in VERB.findall(path.read_text())]


class CommandLineTest(unittest.TestCase):
    def assert_usage_error(self, result):
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, r"\Aphlox: [^\n]+\n\Z")

    def test_wrong_usage_is_status_2_and_one_line(self):
        self.assert_usage_error(phlox())
        self.assert_usage_error(phlox("fly"))
        self.assert_usage_error(phlox("--fly"))
        for verb in verbs():
            with self.subTest(verb):
                self.assert_usage_error(phlox(verb, "--no-such-flag"))

    def test_a_full_disk_behind_stderr_keeps_the_status(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "fly"], stderr=full, timeout=30)
        self.assertEqual(done.returncode, 2)

    def test_versions(self):
        result = phlox("--version")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout,
                         r"\Aphlox [\d.]+\nruntime [\d.]+\nMuJoCo [\d.]+\n"
                         r"LLVM ([\d.]+|none)\n\Z")

    def test_help_lists_every_verb(self):
        result = phlox("--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertGreater(len(verbs()), 0)
        for verb in verbs():
            self.assertRegex(result.stdout, rf"(?m)^  {verb} ")
            self.assertEqual(phlox(verb, "--help").returncode, 0)


if __name__ == "__main__":
    unittest.main()
