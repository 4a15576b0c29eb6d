"""Ends a training without warning, again and again.

Usage: kill_test.py PROGRAM [KILLS]     (the specification asks for 50)
"""

import pathlib
import random
import subprocess
import sys
import time
import unittest

KILLS = int(sys.argv.pop(2)) if len(sys.argv) > 2 else 8

import cli  # noqa: E402, takes the program from the arguments
from cli import CliTest, rows  # noqa: E402

# the ring of the replay goes round many times
WORDS = ["-q", "--threads", "1", "--set", "num_envs=4", "--set",
         "eval.num_envs=2", "--set", "learning_starts=200", "--set",
         "replay.capacity=700", "--set", "eval.every=1000", "--set",
         "eval.episodes=2", "--set", "eval.final_episodes=4", "--set",
         "checkpoint.every=400", "--set", "checkpoint.min_interval=0", "--set",
         "log.every=100", "--set", "log.tensorboard=false"]


class KillTest(CliTest):
    def life(self, out, steps, seconds):
        """Runs, or goes on, for some time; true if it came to its end."""
        process = subprocess.Popen(
            [cli.PROGRAM, "train", "--artifact", self.artifact, *WORDS,
             "--total-timesteps", str(steps), "--out", out, "--resume", "auto",
             "sac", "--env", "lqr"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            _, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return False
        self.assertEqual((process.returncode, said), (0, b""))
        return True

    def test_killed_runs_equal_an_unbroken_one(self):
        steps = 40_000 * max(KILLS, 4)
        seed = random.randrange(10**6)
        dice = random.Random(seed)
        begin = time.monotonic()
        self.assertTrue(self.life(self.place / "whole", steps, 600))
        took = time.monotonic() - begin
        kills = 0
        while kills < KILLS:
            # some die before the first checkpoint, some in the midst of one
            if self.life(self.place / "broken", steps,
                         dice.uniform(0.03, 1.2 * took / KILLS)):
                break
            kills += 1
        self.assertTrue(self.life(self.place / "broken", steps, 600))
        self.assertGreater(kills, KILLS / 2, f"seed {seed}")
        self.compare(steps, seed)

    def compare(self, steps, seed):
        last = pathlib.Path("checkpoints") / f"{steps:09}"
        whole, = (self.place / "whole").iterdir()
        # what was killed before its first checkpoint stays behind
        ends = [run for run in (self.place / "broken").iterdir()
                if (run / last).exists()]
        self.assertEqual(len(ends), 1, seed)
        for name in ("metrics.csv", "episodes.csv", "eval.csv"):
            self.assertEqual(rows(whole / name), rows(ends[0] / name),
                             f"{name}, seed {seed}")
        # replay.json holds count and sums of all segments: no transition is
        # lost or doubled
        for name in ("arena.safetensors", "envs.safetensors", "replay.json"):
            self.assertEqual((whole / last / name).read_bytes(),
                             (ends[0] / last / name).read_bytes(),
                             f"{name}, seed {seed}")


if __name__ == "__main__":
    unittest.main()
