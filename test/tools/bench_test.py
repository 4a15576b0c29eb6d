"""bench: rows, ratios, and what it says of peers.

Usage: bench_test.py PROGRAM PEERS_FOLDER OBJDUMP
"""

import json
import pathlib
import re
import subprocess
import sys
import unittest

PEERS, OBJDUMP = pathlib.Path(sys.argv.pop(2)), sys.argv.pop(2)

from cli import PROGRAM, CliTest, phlox

KEYS = ["work", "peer", "mode", "precision", "threads", "median_us", "min_us",
        "max_us", "ratio", "peak_percent"]
BRIEF = ["--json", "--seconds", "0", "--threads", "1"]
SMALL = ["--env", "Hopper-v5", "--set", "batch=16", "--set",
         "actor.hidden=[8, 9]", "--set", "critic.hidden=[8, 9]"]
TELLS_ITS_OPTIONS = """import json, sys
print(json.dumps({"peer": " ".join(sys.argv[1:]), "median_us": 1}))
"""


class BenchTest(CliTest):
    def test_product_alone(self):
        rows = json.loads(self.succeed("bench", "gemm", "--json", "--seconds",
                                       "0.05", "--threads", "1"))
        self.assertEqual([row["mode"] for row in rows], ["compiled", "eager"])
        for row in rows:
            self.assertEqual(list(row), KEYS)
            self.assertEqual(row["peer"], "phlox")
            self.assertTrue(0 < row["min_us"] <= row["median_us"]
                            <= row["max_us"])
            self.assertTrue(1 < row["peak_percent"] < 130, row)
        self.assertAlmostEqual(rows[1]["median_us"] / rows[0]["median_us"],
                               rows[1]["ratio"])

    def test_product_of_bf16(self):
        result = phlox("bench", "gemm", "--json", "--seconds", "0.05",
                       "--threads", "1", "--precision", "bf16")
        if "must have AVX512-BF16" in result.stderr:
            self.skipTest(result.stderr)
        rows = json.loads(result.stdout)
        self.assertEqual([(row["mode"], row["precision"]) for row in rows],
                         [("compiled", "bf16"), ("eager", "bf16")])
        for row in rows:  # of pairs' own peak
            self.assertTrue(1 < row["peak_percent"] < 130, row)

    def test_peak_runs_what_it_counts(self):
        """Each round of the loops that measure it adds to all twelve sums."""
        text = subprocess.run([OBJDUMP, "-d", PROGRAM], capture_output=True,
                              check=True, text=True).stdout
        for what in (r"vfmadd\d+ps\s+%ymm", r"vfmadd\d+ps\s+%zmm",
                     r"vdpbf16ps\s+%zmm"):
            found = len(re.findall(what, text))
            self.assertTrue(found > 0 and found % 12 == 0,
                            f"{what}: {found}")

    def test_missing_peers_are_said(self):
        """And one that is there makes a row."""
        peer = self.place / "jax_sac.py"
        peer.write_text('print("warming up")\n'
                        'print(\'{"peer": "jax 1", "median_us": 7.5, '
                        '"first_us": 9e6}\')\n')
        words = ["bench", "sac", "--json", "--seconds", "0", "--threads", "1",
                 "--python", sys.executable, "--peers", self.place]
        rows = json.loads(self.succeed(*words))
        self.assertEqual([(row["work"], row["peer"], row["mode"])
                          for row in rows],
                         [("sac/compile", "phlox", "compile"),
                          ("sac/train_step", "phlox", "compiled"),
                          ("sac/train_step", "phlox", "eager"),
                          ("sac/train_step", "jax 1", "compiled"),
                          ("sac/compile", "jax 1", "first call"),
                          ("sac/sample_1", "phlox", "compiled"),
                          ("sac/sample_1", "phlox", "eager")])
        self.assertAlmostEqual(rows[3]["ratio"], 7.5 / rows[1]["median_us"])
        self.assertIsNone(rows[3]["peak_percent"])
        self.assertAlmostEqual(rows[4]["ratio"], 9e6 / rows[0]["median_us"])
        peer.write_text('raise SystemExit("No module named jax")\n')
        for python, text in ((sys.executable, "No module named jax"),
                             ("/no/python", "cannot be run")):
            result = phlox(*words[:-3], python, "--peers", self.place)
            self.assertEqual(result.returncode, 0)
            self.assertEqual(len(json.loads(result.stdout)), 5)
            self.assertRegex(result.stderr, rf"\Aphlox: [^\n]*{text}[^\n]*\n\Z")

    def test_sizes(self):
        """A peer's options say what the program was compiled for."""
        for script in ("jax_sac.py", "jax_flame.py", "torch_flame.py"):
            (self.place / script).write_text(TELLS_ITS_OPTIONS)
        sizes = "--obs 12 --act 3 --batch 16 --hidden 8,9 "
        ends = " --threads 1 --seconds 0"
        train, own = sizes + "--proposals 7", " --particles 1"
        tuned = " --variant tuned"
        # the last of two counts
        sample = tuned + " --mode sample --batch 1"
        for name, settings, wanted in (
                ("sac", [], [sizes[:-1] + ends]),
                ("bench.flame-peer", ["--set", "proposals=7"],
                 [train + " --variant ref" + own + ends,
                  train + tuned + own + ends,
                  train + tuned + own + " --cheap-mish" + ends,
                  train + ends, train + " --compile" + ends,
                  sizes[:-1] + sample + ends])):
            rows = json.loads(self.succeed(
                "bench", name, *SMALL, *settings, *BRIEF, "--set",
                "env.exclude_current_positions_from_observation=false",
                "--python", sys.executable, "--peers", self.place))
            self.assertEqual([row["peer"] for row in rows
                              if row["peer"] != "phlox"], wanted)

    def test_scripts_take_sizes(self):
        """They end for want of a framework, or not at all."""
        sizes = ["--obs", "5", "--act", "2", "--batch", "4", "--hidden", "8,9"]
        for script, *words in (["jax_sac.py"],
                               ["jax_flame.py", "--proposals", "3"],
                               ["torch_flame.py", "--proposals", "3"],
                               ["policy.py", "--framework", "jax"]):
            result = subprocess.run(
                [sys.executable, "-B", PEERS / script, *sizes, *words,
                 "--seconds", "0"], capture_output=True, text=True)
            if result.returncode:
                self.assertRegex(result.stderr, "No module named")

    def test_other_work_than_the_peers(self):
        """Has no row of theirs, and says which keys they do not follow."""
        (self.place / "jax_sac.py").write_text(TELLS_ITS_OPTIONS)
        (self.place / "jax_flame.py").write_text(TELLS_ITS_OPTIONS)
        for name, settings, keys in (
                ("sac", ["critic.hidden=[9]", "discount=0.9"],
                 "critic.hidden other than actor.hidden, discount"),
                # the user's setting wins over the work's
                ("bench.flame-peer", ["actor.every=2"], "actor.every")):
            words = [word for setting in settings
                     for word in ("--set", setting)]
            result = phlox("bench", name, *SMALL, *words, *BRIEF, "--python",
                           sys.executable, "--peers", self.place)
            self.assertEqual(result.returncode, 0)
            self.assertEqual({row["peer"] for row in json.loads(result.stdout)},
                             {"phlox"})
            self.assertEqual(result.stderr,
                             f"phlox: {name}: no row of peers: peers do not "
                             f"follow {keys}\n")

    def test_environments(self):
        """Each group begins with ours; a peer answers burst by burst."""
        peer = self.place / "env_steps.py"
        peer.write_text('import sys\n'
                        'if "Ant-v5" in sys.argv and "envpool" in sys.argv:\n'
                        '    print(\'{"peer": "envpool 1"}\')\n'
                        '    sys.exit("gone")\n'
                        'print("warming up")\n'
                        'if "gymnasium" in sys.argv: sys.exit("none here")\n'
                        'print(\'{"peer": "envpool 1"}\', flush=True)\n'
                        'for line in sys.stdin:\n'
                        '    print(\'{"steps": 40, "seconds": 2}\', flush=True)\n')
        result = phlox("bench", "envs", "--json", "--seconds", "0", "--threads",
                       "2", "--python", sys.executable, "--peers", self.place)
        rows = json.loads(result.stdout)
        works = list(dict.fromkeys(row["work"] for row in rows))
        self.assertEqual(works[0], "envs/HalfCheetah-v5/1")
        self.assertEqual(works[1:], [f"envs/{task}-v5/{n}"
                                     for task in ("HalfCheetah", "Ant",
                                                  "Humanoid", "Hopper")
                                     for n in (8, 64)])
        self.assertEqual(result.stderr.count("no row of gymnasium: none here\n"),
                         len(works))
        for work in works:
            n = int(work.split("/")[2])
            group = [row for row in rows if row["work"] == work]
            peers = [] if "Ant" in work else ["envpool 1"]
            own = group[0]
            self.assertEqual([row["peer"] for row in group],
                             ["phlox", "bare loops",
                              *([f"bare loops of {n // 2}"] if n > 1 else []),
                              *peers])
            for row in group:
                self.assertEqual(list(row)[:len(KEYS)], KEYS)
                self.assertEqual(row["num_envs"], n)
                self.assertTrue(0 < row["min_us"] <= row["median_us"]
                                <= row["max_us"])
            self.assertEqual(own["ratio"], 1)
            if peers:
                self.assertEqual(group[-1]["steps_per_s"], 20)
                self.assertAlmostEqual(group[-1]["ratio"],
                                       own["steps_per_s"] / 20)
        self.assertEqual(result.stderr.count("no row of envpool 1: gone\n"), 2)

    def test_training(self):
        """Windows of steps, ours and a peer's."""
        (self.place / "train_sac.py").write_text(
            'import sys\n'
            'if "sbx" in sys.argv: sys.exit("No module named sbx")\n'
            'print(\'{"peer": "SB3 1", "median_us": 1e9}\')\n')
        result = phlox("bench", "train", "--json", "--seconds", "0",
                       "--threads", "2", "--python", sys.executable, "--peers",
                       self.place)
        ours, peer = json.loads(result.stdout)
        self.assertEqual((ours["work"], peer["peer"]), ("sac/train", "SB3 1"))
        self.assertTrue(50 < ours["min_us"] <= ours["median_us"]
                        <= ours["max_us"] < 1e6, ours)
        self.assertAlmostEqual(peer["ratio"], 1e9 / ours["median_us"])
        self.assertIn("No module named sbx", result.stderr)

    def test_profile(self):
        """The rows hold all FLOP of the entry point, the trace its tasks."""
        trace = self.place / "trace.json"
        rows = json.loads(self.succeed(
            "bench", "sac", "--json", "--seconds", "0", "--threads", "2",
            "--profile", trace))
        self.assertEqual([row["work"] for row in rows],
                         ["sac/train_step", "sac/sample_1"])
        artifact = self.place / "sac.so"
        self.succeed("compile", "sac", "--env", "HalfCheetah-v5", "-o",
                     artifact)
        known = {entry["name"]: entry["flops"] for entry in json.loads(
            self.succeed("inspect", artifact, "--json"))["entries"]}
        events = json.loads(trace.read_text())["traceEvents"]
        names = [e for e in events if e["ph"] == "M"]
        self.assertEqual(len(names), 2)
        for process, row in enumerate(rows, 1):
            entry = row["work"].split("/")[1]
            flops = sum(kernel["flops"] for kernel in row["kernels"])
            # each kernel's count is cut to a whole number
            self.assertLessEqual(flops, known[entry])
            self.assertGreater(flops, known[entry] - len(row["kernels"]))
            self.assertGreater(row["peak_gflops"], 1)
            mine = [e for e in events if e["pid"] == process and e["ph"] == "X"]
            self.assertEqual(len(mine), sum(k["tasks"] for k in row["kernels"]))
            self.assertLessEqual(len({e["tid"] for e in mine}), 2)
            self.assertLessEqual(sum(e["dur"] for e in mine),
                                 2 * row["median_us"])
        self.assertTrue(any("matmul 256x256x256" in kernel["kernel"]
                            for kernel in rows[0]["kernels"]))

    def test_profile_of_all_at_other_sizes(self):
        rows = json.loads(self.succeed("bench", *SMALL, *BRIEF, "--profile",
                                       self.place / "trace.json"))
        self.assertEqual(list(dict.fromkeys(row["work"].split("/")[0]
                                            for row in rows)),
                         ["sac", "flame-r", "bench.flame-peer", "bench.policy",
                          "flame-m"])
        self.assertTrue(any("matmul 16x9x8" in kernel["kernel"]
                            for kernel in rows[0]["kernels"]))

    def test_wrong_name(self):
        for name in ("gemm", "envs", "train"):
            for option, value in (("--profile", self.place / "t.json"),
                                  ("--env", "Hopper-v5"),
                                  ("--set", "batch=16")):
                self.fail_with(2, f"{option} must go with an algorithm's work: "
                                  f"got '{name}'",
                               "bench", name, option, value)
        self.fail_with(2, "NAME must be one of gemm, sac", "bench", "saq")

    def test_wrong_size(self):
        """Is said before anything is timed."""
        self.fail_with(2, "got 'Hoper-v5'", "bench", "sac", "--env", "Hoper-v5")
        self.fail_with(2, "key must be known: got 'batches'", "bench", "--set",
                       "batches=16")

    def test_peers_are_there(self):
        self.assertEqual({path.name for path in PEERS.glob("*.py")},
                         {"timing.py", "env_steps.py", "jax_sac.py", "jax_flame.py",
                          "policy.py", "torch_flame.py", "train_sac.py"})


if __name__ == "__main__":
    unittest.main()
