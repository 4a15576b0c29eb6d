"""The script that fetches the assets: messages, and no work when done.

Usage: fetch_assets_test.py SCRIPT
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(sys.argv.pop(1)).resolve()
THIRD_PARTY = SCRIPT.parents[1] / "third_party"


def run(*arguments, path=None):
    env = dict(os.environ, PATH=path) if path is not None else None
    return subprocess.run(["/bin/bash", SCRIPT, *arguments], env=env, text=True,
                          capture_output=True, timeout=60)


class FetchAssetsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def assert_failure(self, result, status, text):
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertRegex(result.stderr, rf"\Afetch_assets.sh: [^\n]*{text}[^\n]*\n\Z")

    def tools(self, *names, **programs):
        """Returns a PATH with these programs of the system and these texts."""
        folder = self.folder / "bin"
        folder.mkdir()
        for name in names:
            source = next(p for p in ("/bin", "/usr/bin")
                          if os.path.exists(f"{p}/{name}"))
            (folder / name).symlink_to(f"{source}/{name}")
        for name, text in programs.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        return str(folder)

    def test_needs_a_folder(self):
        self.assert_failure(run(), 2, "got 0 arguments")

    def test_does_nothing_when_all_is_there(self):
        if not (THIRD_PARTY / "mujoco").is_dir():
            self.skipTest("MuJoCo is installed elsewhere")
        # without a program in reach there is nothing that it could run
        result = run(THIRD_PARTY, path=self.tools())
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_says_that_python_is_missing(self):
        self.assert_failure(run(self.folder / "to", path=self.tools()), 1,
                            "pip is required: got none")

    def test_says_that_pip_is_missing(self):
        path = self.tools(python3="#!/bin/bash\nexit 1\n")
        self.assert_failure(run(self.folder / "to", path=path), 1,
                            "python3 without a module pip")

    def test_says_why_pip_failed_and_leaves_nothing(self):
        path = self.tools(
            "mkdir", "mktemp", "rm", "grep", "tail",
            python3="#!/bin/bash\n[[ $* == *--version ]] && exit\n"
                    "echo 'Collecting'\necho 'ERROR: no network' >&2\nexit 1\n")
        self.assert_failure(run(self.folder / "to", path=path), 1,
                            "must fetch mujoco-core .*: got ERROR: no network")
        self.assertEqual(list((self.folder / "to").iterdir()), [])


if __name__ == "__main__":
    unittest.main()
