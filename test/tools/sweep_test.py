"""sweep: plans, shares, resuming, failures, the report.

Usage: sweep_test.py PROGRAM
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest

import cli
from cli import CliTest, phlox

FILE = """
algorithms = ["sac"]
envs = ["lqr"]
seeds = 2
out = "out"
[set]
actor.hidden = [8]
critic.hidden = [8]
batch = 16
eval.num_envs = 2
eval.every = 200
eval.episodes = 2
eval.final_episodes = 2
log.every = 50
log.tensorboard = false
checkpoint.min_interval = 0
checkpoint.every = 100
total_timesteps = 400
learning_starts = 100
[grid]
num_envs = [2, 4]
"""


def without(text, line):
    assert line in text
    return text.replace(line, "")


class SweepTest(CliTest):
    def write(self, text):
        (self.place / "s.toml").write_text(text)

    def sweep(self, *words, **options):
        return phlox("sweep", "s.toml", *words, cwd=self.place, **options)

    def states(self, done):
        """The last table: {run: its state}."""
        return dict(reversed(line.split()[:2]) for line in
                    done.stdout.splitlines()
                    if re.match(r"(done|failed|to go on) +lqr", line)
                    and ":" not in line)

    def test_runs_everything_once_and_reports(self):
        self.write(FILE)
        first = self.sweep("--jobs", "2")
        self.assertEqual((first.returncode, first.stderr), (0, ""))
        names = {f"lqr__sac__num_envs={n}__{seed}"
                 for n in (2, 4) for seed in (1, 2)}
        self.assertEqual(self.states(first), {name: "done" for name in names})
        self.assertRegex(first.stdout, r"\n4 done, 0 failed, 0 to go on")
        page = (self.place / "out/report.html").read_text()
        self.assertIn("4 runs in 2 groups", page)
        threads = max(1, len(os.sched_getaffinity(0)) // 2)
        for name in names:
            run = self.place / "out" / name
            config = (run / "config.toml").read_text()
            self.assertRegex(config, rf"(?m)^num_envs = {name[-4]} ")
            self.assertRegex(config, rf"(?m)^seed = {name[-1]} ")
            self.assertLessEqual(
                int(re.search(r"(?m)^threads = (\d+)", config)[1]), threads)
            self.assertEqual(
                json.loads((run / "manifest.json").read_text())["env_step"],
                400)
        before = {path: path.stat().st_mtime_ns
                  for path in self.place.glob("out/lqr*/metrics.csv")}
        again = self.sweep()
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(again.stdout.count("was done lqr"), 4)
        self.assertEqual(before, {path: path.stat().st_mtime_ns
                                  for path in before})

    def test_examples_plan_their_runs(self):
        examples = pathlib.Path(__file__).resolve().parents[2] / "examples"
        planned = {}
        for file in examples.glob("half-cheetah/*.toml"):
            done = phlox("sweep", str(file), "--dry-run", cwd=self.place)
            self.assertEqual((done.returncode, done.stderr), (0, ""), file)
            for line in done.stdout.splitlines():
                self.assertIn("--env HalfCheetah-v5", line)
                key = (line.split()[2], "--as-published" in line)
                planned[key] = planned.get(key, 0) + 1
        self.assertEqual(planned, {
            ("sac", False): 2, ("flame-m", False): 2, ("flame-r", False): 2,
            ("isfm", False): 2, ("fmer", False): 2, ("flame-m", True): 2})

    def test_goes_on_with_broken_runs(self):
        text = without(FILE, "[grid]\nnum_envs = [2, 4]\n")
        text = text.replace("total_timesteps = 400", "total_timesteps = 32000")
        self.write(text)
        process = subprocess.Popen(
            [cli.PROGRAM, "sweep", "s.toml", "--jobs", "2"], cwd=self.place,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 60
        while (len(list(self.place.glob("out/lqr*/checkpoints/LATEST"))) < 2
               and time.monotonic() < end):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, errors), (128 + 15, ""), out)
        self.assertRegex(out, "2 to go on with")
        self.write(text.replace("total_timesteps = 32000",
                                "total_timesteps = 33600"))
        done = self.sweep("--jobs", "2")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for run in self.place.glob("out/lqr*"):
            about = json.loads((run / "manifest.json").read_text())
            self.assertEqual((about["env_step"], len(about["resumes"])),
                             (33600, 1))

    def test_failures_are_listed_and_others_go_on(self):
        self.write(FILE)
        out = self.place / "out"
        out.mkdir()
        # a file where a run's folder should be, and a run made otherwise
        (out / "lqr__sac__num_envs=2__1").write_text("")
        other = out / "lqr__sac__num_envs=4__2"
        other.mkdir()
        text = self.succeed("train", "sac", "--env", "lqr", *cli.TINY, "--seed",
                            "2", "--print-config")
        (other / "config.toml").write_text(
            text.replace("batch = 16", "batch = 32"))
        done = self.sweep()
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertRegex(done.stdout, r"\n2 done, 2 failed")
        self.assertRegex(done.stdout,
                         r"\nfailed lqr__sac__num_envs=2__1: .*num_envs=2__1")
        self.assertRegex(done.stdout,
                         r"\nfailed lqr__sac__num_envs=4__2: .*"
                         r"batch was 32, is 16\n")

    def test_shares_are_disjoint_and_complete(self):
        self.write(FILE.replace("seeds = 2", "seeds = [3, 5, 8, 13]"))
        array = {"SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_MAX": "14",
                 "SLURM_ARRAY_TASK_STEP": "2", "SLURM_ARRAY_TASK_COUNT": "3"}
        cases = [
            [["--share", f"{i}/3"], {}] for i in range(3)], [
            [[], {**array, "SLURM_ARRAY_TASK_ID": str(i)}]
            for i in (10, 12, 14)], [
            [[], {"OMPI_COMM_WORLD_RANK": str(i), "OMPI_COMM_WORLD_SIZE": "5"}]
            for i in range(5)], [
            [[], {"PMI_RANK": str(i), "PMI_SIZE": "2"}] for i in range(2)]
        whole = self.sweep("--dry-run").stdout.splitlines()
        self.assertEqual(len(whole), 8)
        self.assertIn("phlox train sac --env lqr --set", whole[0])
        strip = lambda line: re.sub("--threads [0-9]+", "", line)
        for case in cases:
            parts = [self.sweep("--dry-run", *words, env=env).stdout
                     .splitlines() for words, env in case]
            self.assertLessEqual(
                max(map(len, parts)) - min(map(len, parts)), 1)
            self.assertEqual(sorted(strip(line) for part in parts
                                    for line in part),
                             sorted(map(strip, whole)))
        for env, text in [
                ({**array, "SLURM_ARRAY_TASK_ID": "11"}, "whole range"),
                ({"PMI_RANK": "x", "PMI_SIZE": "2"}, "PMI_RANK must be"),
                ({"PMI_RANK": "2", "PMI_SIZE": "2"}, "below the count 2")]:
            result = self.sweep("--dry-run", env=env)
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertIn(text, result.stderr)

    def test_bad_files(self):
        for line, text, message in [
                ("seeds = 2", "seeds = 0", r"s\.toml:4: seeds must be from 1"),
                ("seeds = 2", "seeds = [1, 1]", "got '1' twice"),
                ("seeds = 2", "seeds = [[", r"s\.toml:\d+: must be TOML"),
                ("seeds = 2", "sedes = 2", "key must be one of .*'sedes'"),
                ('["lqr"]', '[]', "envs must be a list of names"),
                ('["lqr"]', '["lqrr"]', "sac on lqrr, num_envs=2: "),
                ('["sac"]', '["sca"]', "sca on lqr, num_envs=2: "),
                ("batch = 16", "batch = 0", "sac on lqr, num_envs=2: .*batch"),
                ("batch = 16", "bacth = 16", "nearest: 'batch'"),
                ("batch = 16", "seed = 16", "seed must be left to"),
                ("num_envs = [2, 4]", "num_envs = 2", "list of values: got 2"),
                ("[grid]", "[for.td3]\nbatch=8\n[grid]",
                 "an algorithm or a task of the sweep: got 'td3'"),
                ('out = "out"', "out = 3", "out must name a folder: got 3"),
                ("seeds = 2", "seeds = 'a'", "or a list of them: got 'a'"),
                ("seeds = 2", "seeds = [1.5]", "whole numbers from 0: got 1.5"),
                ("seeds = 2", "seeds = 2\nprecision = 'fp8'",
                 "s.toml:5: precision must be f32, high or bf16: got 'fp8'"),
                ('["lqr"]', "'lqr'", "a list of names: got 'lqr'")]:
            with self.subTest(text):
                self.assertIn(line, FILE)
                self.write(FILE.replace(line, text))
                result = self.sweep()
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertRegex(result.stderr, r"\Aphlox: [^\n]+\n\Z")
                self.assertRegex(result.stderr, message)
        self.write(FILE.replace('out = "out"', 'out = "s.toml/out"'))
        self.fail_with(1, "s.toml/out: cannot create folder: Not a directory",
                       "sweep", "s.toml", cwd=self.place)
        self.fail_with(1, "no-such-file", "sweep",
                       self.place / "no-such-file.toml")
        self.assertEqual([path.name for path in self.place.iterdir()],
                         ["s.toml"])

    def test_commands_can_be_pasted(self):
        self.write(FILE.replace('out = "out"', 'out = "my runs"'))
        line = self.sweep("--dry-run").stdout.splitlines()[0]
        self.assertIn("--out 'my runs' --name", line)
        words = line.replace("phlox", str(cli.PROGRAM), 1)
        done = subprocess.run(["sh", "-c", words], cwd=self.place, timeout=60)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(list(self.place.glob("my runs/*/config.toml"))), 1)

    def test_precision_is_of_every_run(self):
        text = FILE.replace("seeds = 2", "seeds = 1\nprecision = 'f32'")
        self.write(text)
        for line in self.sweep("--dry-run").stdout.splitlines():
            self.assertIn(" --precision f32 ", line)
        self.assertEqual(self.sweep().returncode, 0)
        for path in self.place.glob("out/lqr*/manifest.json"):
            self.assertEqual(json.loads(path.read_text())["precision"], "f32")
        # those runs are not of the sweep that the file is now
        for other in ("precision = 'bf16'", ""):
            self.write(text.replace("precision = 'f32'", other))
            self.assertRegex(self.sweep().stdout,
                             r"must have the sweep's precision: was f32, is " +
                             ("bf16" if other else "high"))

    def test_settings_of_a_task_win_over_those_of_all(self):
        self.write(FILE.replace("[grid]", "[for.lqr]\nbatch = 8\n[grid]"))
        line = self.sweep("--dry-run").stdout.splitlines()[0]
        self.assertLess(line.index("batch=16"), line.index("batch=8"))

    def test_ends_where_the_ends_of_children_were_ignored(self):
        self.write(FILE.replace("seeds = 2", "seeds = 1"))
        result = subprocess.run(
            [cli.PROGRAM, "sweep", "s.toml", "-q", "--no-report"],
            cwd=self.place, capture_output=True, timeout=60,
            preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_numbers_are_named_as_they_are_written(self):
        self.write(FILE.replace("num_envs = [2, 4]",
                                "discount = [0.9, 0.99]\nactor.lr = [1.0, 1e-5]"))
        lines = self.sweep("--dry-run").stdout.splitlines()
        self.assertEqual(len(lines), 8)
        self.assertIn("--name lqr__sac__actor.lr=1.0,discount=0.9__1", lines[0])
        self.assertIn("--set actor.lr=1e-05 ", lines[-1])
        self.assertIn("--set discount=0.99 ", lines[-1])

    @unittest.skipUnless(shutil.which("mpirun"), "needs mpirun")
    def test_mpirun(self):
        self.write(FILE)
        result = subprocess.run(
            ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2",
             cli.PROGRAM, "sweep", "s.toml", "-q"], cwd=self.place, text=True,
            capture_output=True, timeout=100)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(list(self.place.glob("out/lqr*/result.json"))), 4)


if __name__ == "__main__":
    unittest.main()
