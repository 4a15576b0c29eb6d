"""import_run.py makes an offline run that W&B's own program would upload.
Needs the package wandb, installed or in $PHLOX_WANDB.

Usage: wandb_test.py PROGRAM
"""

import importlib.util
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "test/tools"))
if "PHLOX_WANDB" in os.environ:
    sys.path.append(os.environ["PHLOX_WANDB"])

from cli import CliTest  # noqa: E402, takes the program from the arguments


@unittest.skipIf(importlib.util.find_spec("wandb") is None, "no wandb")
class ImportTest(CliTest):
    def test_a_run_becomes_an_offline_run(self):
        self.succeed("train", "--artifact", self.artifact, "-q", "--set",
                     "num_envs=4", "--set", "eval.num_envs=2", "--set",
                     "total_timesteps=1000", "--set", "eval.every=500", "--set",
                     "eval.final_episodes=7", "--set", "log.every=100",
                     "--set", "learning_starts=200",
                     "--tags", "one,two", "--out", self.place, "--name", "run")
        env = {**os.environ, "HOME": str(self.place), "PYTHONPATH":
               os.pathsep.join(path for path in sys.path if path)}
        subprocess.run([sys.executable, ROOT / "examples/wandb/import_run.py",
                        self.place / "run", "--offline", "--out", self.place],
                       check=True, capture_output=True, timeout=100, env=env)
        file, = self.place.glob("wandb/offline-run-*/run-*.wandb")
        content = file.read_bytes()
        for word in (b"charts/replay_size", b"losses/qf1_loss", b"eval/length",
                     b"eval/return_iqm", b"checkpoint.every", b"final/iqm",
                     b"lqr__sac", b"two", b"artifact_hash"):
            self.assertIn(word, content)
        listed = subprocess.run(
            [sys.executable, "-m", "wandb", "sync", "--dry-run", file.parent],
            check=True, capture_output=True, text=True, timeout=100, env=env)
        self.assertIn(file.name, listed.stdout + listed.stderr)


if __name__ == "__main__":
    unittest.main()
