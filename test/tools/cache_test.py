"""The cache of compiled programs: what it may hand out, and whose it is.

Usage: cache_test.py PROGRAM
"""

import json
import os
import shutil
import stat
import unittest

import cli
from cli import CliTest

TRAIN = ["train", "sac", "--env", "lqr", *cli.TINY, "-q", "--set",
         "total_timesteps=400", "--set", "learning_starts=100", "--set",
         "eval.final_episodes=0", "--set", "log.tensorboard=false"]


class CacheTest(CliTest):
    def setUp(self):
        super().setUp()
        self.home = {"XDG_CACHE_HOME": str(self.place / "cache")}

    def entries(self, folder=None):
        return sorted((folder or self.place / "cache/phlox").glob("*.so"))

    def train(self, name, env):
        self.succeed(*TRAIN, "--out", self.place, "--name", name, env=env)
        return json.loads((self.place / name / "manifest.json").read_text())

    def test_an_entry_is_what_its_name_says(self):
        first = self.train("first", self.home)
        self.assertGreater(first["compile_s"], 0)
        self.assertEqual(self.train("again", self.home)["compile_s"], 0)
        entry, = self.entries()
        self.assertEqual(entry.stem, first["artifact_hash"])
        # another program under its name, and half of it
        other = self.place / "other.so"
        self.succeed("compile", "sac", "--env", "lqr", *cli.TINY, "--set",
                     "actor.lr=0.5", "-o", other)
        for content in (other.read_bytes(),
                        entry.read_bytes()[:entry.stat().st_size // 2]):
            entry.write_bytes(content)
            made = self.train(f"anew-{len(content)}", self.home)
            self.assertGreater(made["compile_s"], 0)
            self.assertEqual(made["artifact_hash"], entry.stem)

    def test_without_a_home_it_is_the_users_alone(self):
        env = {"XDG_CACHE_HOME": "", "HOME": "", "TMPDIR": str(self.place)}
        folder = self.place / f"phlox-cache-{os.geteuid()}"
        self.train("first", env)
        self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o700)
        self.assertEqual(len(self.entries(folder)), 1)
        again = [*TRAIN, "--out", self.place, "--name", "again"]
        for spoil in (lambda: folder.chmod(0o777),
                      lambda: (folder.chmod(0o700), shutil.move(folder, self.place / "theirs"),
                               folder.symlink_to(self.place / "theirs"))):
            spoil()
            self.fail_with(1, "must be a folder of this user's that others "
                              "cannot enter", *again, env=env)
        self.assertFalse((self.place / "again").exists())


if __name__ == "__main__":
    unittest.main()
