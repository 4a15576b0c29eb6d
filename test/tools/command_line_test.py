"""The frame of the command line: help, versions, exit status, one error line.

Usage: command_line_test.py PROGRAM
"""

import pathlib
import re
import subprocess
import sys
import tempfile
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

    def test_messages_say_what_is_required_and_what_was_got(self):
        for words, text in [
                ("", "a verb is required, see phlox --help: got none"),
                ("fly", "a verb is required, see phlox --help: got fly"),
                ("train sac lqr", "phlox train must have arguments that it "
                 "knows, see phlox train --help: got 'lqr'"),
                ("envs --jso", "phlox envs must have arguments that it knows, "
                 "see phlox envs --help: got '--jso'"),
                ("env fly", "phlox env must be followed by replay, see phlox "
                 "env --help: got 'fly'"),
                ("train sac --env", "--env must have a value: got none"),
                ("train sac --env lqr --seed 1 --seed 2",
                 "--seed must be given once: got it 2 times"),
                ("eval x --episodes 0",
                 "--episodes must be from 1 to 1000000: got 0"),
                ("eval", "RUN_DIR is required, see phlox eval --help: got none"),
                ("env replay", "ENV is required, see phlox env replay --help: "
                 "got none"),
                ("train sac --env lqr -q -v",
                 "-q and -v exclude each other: got both"),
                ("eval /no/run", "/no/run: must be a run folder or hold exactly "
                 "one: got no such folder")]:
            result = phlox(*words.split())
            self.assert_usage_error(result)
            self.assertEqual(result.stderr, f"phlox: {text}\n")

    def test_a_full_disk_behind_stderr_keeps_the_status(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "fly"], stderr=full, timeout=30)
        self.assertEqual(done.returncode, 2)

    def test_a_full_disk_behind_stdout_is_said(self):
        for words in (["envs"], ["envs", "--json"], ["--help"], ["--version"],
                      ["algorithms"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([PROGRAM, *words], stdout=full, text=True,
                                      stderr=subprocess.PIPE, timeout=30)
            self.assertEqual(done.returncode, 1, words)
            self.assertRegex(done.stderr, r"\Aphlox: [^\n]*No space left on "
                             r"device\n\Z")

    def test_closed_files_are_not_taken_for_others(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                f"exec '{PROGRAM}' envs --json <&- >&- 2>&-", shell=True,
                cwd=folder, timeout=30)
            self.assertEqual(done.returncode, 0)

    def test_versions(self):
        result = phlox("--version")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout,
                         r"\Aphlox [\d.]+\nsource (unknown|[\da-f]{40}(\+changes)?)"
                         r"\nruntime [\d.]+\nMuJoCo [\d.]+\n"
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
