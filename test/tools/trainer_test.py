"""A trainer in bad weather: signals, damage, full disks, jumping clocks.

Usage: trainer_test.py PROGRAM CLOCK_JUMPS.so
"""

import csv
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time
import unittest

CLOCK_JUMPS = pathlib.Path(sys.argv.pop(2)).resolve()

import cli  # noqa: E402, takes the program from the arguments
from cli import CliTest, phlox, rows  # noqa: E402

RUN = ["--set", "learning_starts=200", "--set", "num_envs=4", "--set",
       "eval.num_envs=2", "--set", "eval.every=1000", "--set",
       "eval.episodes=2", "--set", "eval.final_episodes=4", "--set",
       "checkpoint.every=400", "--set", "checkpoint.min_interval=0", "--set",
       "log.every=100", "--set", "log.tensorboard=false", "--set",
       "replay.capacity=700", "--threads", "1"]


def namespaces():
    """True if this user may mount things that nobody else sees."""
    return subprocess.run(["unshare", "-rm", "true"], capture_output=True,
                          check=False).returncode == 0


class Base(CliTest):
    def words(self, steps, *more):
        return ["train", "--artifact", self.artifact, *RUN,
                "--total-timesteps", steps, "--out", self.place, *more]

    def train(self, name, steps, *more):
        self.succeed(*self.words(steps, "-q", "--name", name, *more))
        return self.place / name

    def start(self, *words):
        return subprocess.Popen([cli.PROGRAM, *map(str, words)], text=True,
                                stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait_for(self, path):
        end = time.monotonic() + 60
        while not path.exists():
            self.assertLess(time.monotonic(), end, path)
            time.sleep(0.005)

    def assert_same(self, one, other):
        for name in ("metrics.csv", "episodes.csv", "eval.csv"):
            self.assertEqual(rows(one / name), rows(other / name), name)
        last = (one / "checkpoints/LATEST").read_text().strip()
        for name in ("arena.safetensors", "replay.json"):
            self.assertEqual(
                *[(run / "checkpoints" / last / name).read_bytes()
                  for run in (one, other)])


class TrainerTest(Base):
    def test_signals_end_well_at_any_stage(self):
        for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
            compiling = self.start("train", "sac", "--env", "HalfCheetah-v5",
                                   "--out", self.place / "none", "--set",
                                   f"seed={number.value}", "--set",
                                   f"actor.hidden=[2{number.value},256]")
            time.sleep(0.4)
            compiling.send_signal(signal.SIGUSR1)  # nothing to save yet
            compiling.send_signal(number)
            out, said = compiling.communicate(timeout=10)
            self.assertEqual((compiling.returncode, out), (status, ""), said)
            self.assertRegex(said, r"\Aphlox: stopped by SIG[A-Z]+ while "
                             r"(compiling|setting up); nothing was trained\n\Z")
        self.assertFalse((self.place / "none").exists())
        for stage, more in (("warm-up", ["--set", "learning_starts=100000"]),
                            ("updates", [])):
            training = self.start(*self.words(10**8, "--name", stage, *more))
            self.wait_for(self.place / stage / "metrics.csv")
            training.send_signal(signal.SIGTERM)
            out, said = training.communicate(timeout=10)
            self.assertEqual((training.returncode, said), (143, ""))
            self.assertRegex(out.splitlines()[-1], r"stopped by SIGTERM at env "
                             r"step \d+, update \d+; go on: phlox train "
                             rf"--resume \S+{stage}")
            manifest = json.loads(
                (self.place / stage / "manifest.json").read_text())
            self.assertEqual(manifest["exit_reason"], "SIGTERM")
            self.succeed("eval", self.place / stage, "--episodes", "2")

    def test_a_second_trainer_is_told_about_the_first(self):
        first = self.start(*self.words(10**8, "--name", "mine", "-q"))
        try:
            self.wait_for(self.place / "mine/checkpoints/LATEST")
            self.fail_with(1, rf"other trainer at work \(host, process\): got "
                           rf"{re.escape(os.uname().nodename)} {first.pid}",
                           "train", "--resume", self.place / "mine")
        finally:
            first.terminate()
            first.communicate()
        self.assertEqual(first.returncode, 143)

    def test_a_run_that_was_killed_at_its_very_start_begins_again(self):
        named = self.place / "named"
        named.mkdir()
        words = self.words(400, "-q", "--name", "named", "--resume", "auto")
        self.fail_with(2, "named: must be a run folder", *words)
        (named / ".lock").write_text("host 1\n")
        (named / "artifact.so.tmp-1-0").write_text("half")
        (named / "videos").mkdir()
        (named / "videos/000000400.mp4.tmp-1").write_text("half")
        self.succeed(*words)
        self.assertTrue((named / "checkpoints/000000400").exists())
        self.assertEqual(list(named.rglob("*.tmp-*")), [])

    def test_time_limit(self):
        begin = time.monotonic()
        self.succeed(*self.words(10**8, "--name", "limit", "--stop-after",
                                 "0m0.5s", "-q"))
        self.assertLess(time.monotonic() - begin, 10)
        run = self.place / "limit"
        self.assertEqual(json.loads((run / "manifest.json").read_text())
                         ["exit_reason"], "stop_after")
        self.assertTrue((run / "checkpoints/LATEST").exists())

    def test_manifest_tells_what_ran(self):
        run = self.train("m", 400, "--tags", "first,with space", "--set",
                         "log.every=50")
        manifest = json.loads((run / "manifest.json").read_text())
        words = shlex.split(manifest["command"])
        self.assertEqual(words[1:4], ["train", "--artifact",
                                      str(self.artifact)])
        self.assertEqual(words[-4:], ["--tags", "first,with space", "--set",
                                      "log.every=50"])
        self.assertEqual(manifest["tags"], ["first", "with space"])
        for key in ("phlox", "mujoco", "llvm", "glibc", "compiler", "cpu",
                    "cpu_flags", "host", "start", "end", "artifact_hash"):
            self.assertTrue(manifest[key], key)
        self.assertIn(f"\nsource {manifest['commit']}\n",
                      phlox("--version").stdout)
        # a checkpoint says what made it, and the words outlive a resume
        saved = json.loads(
            (run / "checkpoints/000000400/manifest.json").read_text())
        self.assertEqual(saved["command"], manifest["command"])
        self.succeed("train", "--resume", run, "-q", "--total-timesteps", "600")
        again = json.loads((run / "manifest.json").read_text())
        self.assertEqual(again["tags"], manifest["tags"])
        self.assertEqual(len(again["resumes"]), 1)

    def test_forced_resume_that_fails_leaves_the_run_as_it_was(self):
        run = self.place / "tiny"
        self.succeed("train", "sac", "--env", "lqr", *cli.TINY, *RUN, "-q",
                     "--total-timesteps", "800", "--out", self.place, "--name",
                     "tiny")
        files = [run / name for name in
                 ("config.toml", "artifact.so", "artifact.h", "manifest.json",
                  "metrics.csv", "eval.csv", "episodes.csv")]
        before = [path.read_bytes() for path in files]
        result = phlox("train", "--resume", run, "--force", "-q", "--set",
                       "critic.hidden=[4]")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"\Aphlox: critic.hidden: was \[8\], is \[4\]"
                         r"\nphlox: \S+arena.safetensors: leaf [^\n]+\n\Z")
        self.assertEqual(before, [path.read_bytes() for path in files])
        # a value that the artifact left to the algorithm is known all the same
        result = phlox("train", "--resume", run, "--set", "target_entropy=-2")
        self.assertIn("target_entropy: was unset, is -2.0\n", result.stderr)
        # one file of before and one of after: never trained as it stands
        config = run / "config.toml"
        config.write_text(re.sub(r"(?m)^discount = \S+", "discount = 0.5",
                                 config.read_text()))
        result = phlox("train", "--resume", run, "-q", "--total-timesteps",
                       "1200")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"\Aphlox: \S+artifact.so was compiled "
                         r"for other settings than config.toml has: compiling "
                         r"anew\n")

    def test_a_broken_update_can_be_repeated(self):
        # states grow fivefold per step: finite, but not the loss's squares
        result = phlox("train", "sac", "--env", "lqr", *cli.TINY, *RUN, "-q",
                       "--set", "env.A=5", "--total-timesteps", "4000",
                       "--out", self.place, "--name", "nan")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, r"phlox: update \d+ \(env step \d+\): "
                         r"train_step must meet only finite losses")
        folder = self.place / "nan/nan"
        command = (folder / "reproduce.txt").read_text()
        path = f"{cli.PROGRAM.parent}:{os.environ['PATH']}"
        subprocess.run(["sh", "-c", command], cwd=folder, check=True,
                       env={**os.environ, "PATH": path}, capture_output=True)
        flag = cli.read_tensors(folder / "metrics.safetensors")["nonfinite"]
        self.assertNotEqual(flag[0], 0)

    def test_clocks_may_jump(self):
        jumps = {"LD_PRELOAD": str(CLOCK_JUMPS)}
        calm = self.train("calm", 2000)
        words = self.words(1000, "-q", "--name", "jumps", "--stop-after", "1h",
                           "--resume", "auto", "--set", "log.tensorboard=true")
        self.succeed(*words, env=jumps)
        words[words.index(1000)] = 2000
        # the second life begins weeks before the first
        self.succeed(*words, env={**jumps, "CLOCK_OFFSET_S": "-3000000"})
        run = self.place / "jumps"
        self.assert_same(calm, run)
        with open(run / "metrics.csv", newline="") as file:
            wall = [float(row["wall_s"]) for row in csv.DictReader(file)]
        self.assertEqual(wall, sorted(wall))
        self.assertLess(wall[-1], 60)
        events = sorted(path.name for path in run.glob("events.*"))
        self.assertEqual([name[-1] for name in events], ["0", "0"])


@unittest.skipUnless(namespaces(), "no namespaces for this user")
class DiskTest(Base):
    def inside(self, script):
        """Runs a shell script where it may mount; returns stdout, stderr."""
        common = shlex.join(map(str, [cli.PROGRAM, "train", "--artifact",
                                      self.artifact, *RUN, "-q"]))
        result = subprocess.run(
            ["unshare", "-rm", "bash", "-c", "set -u\n" + script, "bash",
             common], cwd=self.place, capture_output=True, text=True,
            timeout=100, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout, result.stderr

    def test_a_full_disk_costs_no_checkpoint(self):
        whole = self.train("whole", 40000)
        out, said = self.inside("""
          mkdir disk && mount -t tmpfs -o size=2m tmpfs disk
          run="$1 --total-timesteps 40000 --out disk --name run --resume auto"
          eval "exec $run" & trainer=$!
          while ! [ -e disk/run/checkpoints/LATEST ]; do sleep 0.01; done
          dd if=/dev/zero of=disk/filler bs=4k status=none 2>/dev/null
          wait $trainer; echo "status $?"
          ls -A disk/run/checkpoints disk/run
          rm disk/filler
          eval "$run"; echo "status $?"
          cp -a disk/run .
        """)
        self.assertEqual([line for line in out.splitlines()
                          if line.startswith("status")],
                         ["status 1", "status 0"], out + said)
        self.assertNotIn(".tmp-", out)
        # an evaluation in between may be the best so far: no room for it either
        lines = [line for line in said.splitlines()
                 if "checkpoint" in line and "best parameters" not in line]
        for i, line in enumerate(lines[:3], 1):
            self.assertRegex(line, rf"env step \d+ failed \({i} in a row\), "
                             r"the one before is intact: .*No space left")
        self.assertRegex(lines[3], r"stopped at env step \d+: one checkpoint "
                         r"in three tries must succeed: got three failures")
        self.assertEqual(len(lines), 4, said)
        self.assert_same(whole, self.place / "run")

    def test_a_disk_that_is_full_from_the_start_keeps_the_name_free(self):
        out, said = self.inside("""
          mkdir disk && mount -t tmpfs -o size=2m tmpfs disk
          dd if=/dev/zero of=disk/filler bs=4k status=none 2>/dev/null
          run="$1 --total-timesteps 400 --out disk --name run"
          eval "$run"; echo "status $?"; ls -A disk
          rm disk/filler
          eval "$run"; echo "status $?"
        """)
        self.assertEqual(out, "status 1\nfiller\nstatus 0\n", said)
        self.assertRegex(said, r"\Aphlox: disk/run[^\n]*: No space left on "
                         r"device\n\Z")

    def test_a_read_only_folder_is_left_alone(self):
        run = self.train("run", 1200)
        before = {path: path.read_bytes() for path in run.rglob("*")
                  if path.is_file()}
        out, said = self.inside("""
          mount --bind run run && mount -o remount,bind,ro run
          eval "$1 --resume run --total-timesteps 2000"; echo "status $?"
          eval "$1 --out run --name other"; echo "status $?"
        """)
        self.assertEqual(out, "status 1\nstatus 1\n", said)
        self.assertRegex(said, r"\Aphlox: run/\.lock: cannot open: Read-only "
                         r"file system\nphlox: run/other: cannot create folder: "
                         r"Read-only file system\n\Z")
        self.assertEqual(before, {path: path.read_bytes()
                                  for path in run.rglob("*")
                                  if path.is_file()})


if __name__ == "__main__":
    unittest.main()
