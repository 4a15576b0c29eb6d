"""compile, inspect and run: what they give, and what they say to bad input.

Usage: artifact_test.py PROGRAM
"""

import json
import math
import pathlib
import re
import struct
import unittest

import cli
from cli import CliTest, batch, phlox, read_tensors, write_tensors

STEP = ["train_step", "--init", "3", "--threads", "1"]


class ArtifactTest(CliTest):
    def test_the_state_goes_where_its_name_leads(self):
        kept = self.place / "kept"
        link = self.place / "link"
        link.symlink_to(kept)
        beside = self.place / "kept.new"
        beside.write_text("own")
        self.succeed("run", self.artifact, "init", "--init", 3, "--state-out",
                     link)
        first = kept.read_bytes()
        self.assertTrue(link.is_symlink())
        self.fail_with(1, "No space left", "run", self.artifact, "init",
                       "--init", 4, "--out", "/dev/full", "--state-out", kept)
        self.fail_with(2, "--init and --state exclude each other: got both",
                       "run", self.artifact, "init", "--init", 4, "--state",
                       kept)
        self.assertEqual(kept.read_bytes(), first)
        self.assertEqual(beside.read_text(), "own")
        self.assertEqual({path.name for path in self.place.iterdir()},
                         {"kept", "link", "kept.new"})

    def test_lists(self):
        names = [row["name"]
                 for row in json.loads(self.succeed("algorithms", "--json"))]
        self.assertEqual(self.succeed("algorithms").split()[0], names[0])
        self.assertEqual({"sac", "flame-r", "flame-m"} - set(names), set())
        self.assertIn("lqr", self.succeed("envs").split())

    def test_inspect(self):
        table = json.loads(self.succeed("inspect", self.artifact, "--json"))
        self.assertEqual(table["program"], "sac")
        self.assertRegex(table["hash"], r"\A[0-9a-f]{64}\Z")
        entries = {entry["name"]: entry for entry in table["entries"]}
        self.assertEqual(
            {"init", "train_step", *(f"{mode}_{n}" for n in (1, 2, 4)
                                     for mode in ("sample", "evaluate"))},
            set(entries))
        rows = {row["name"]: (row["dtype"], row["shape"])
                for row in entries["train_step"]["inputs"]}
        self.assertEqual(rows, {"obs": ("F32", [16, 1]),
                                "action": ("F32", [16, 1]),
                                "reward": ("F32", [16]),
                                "next_obs": ("F32", [16, 1]),
                                "terminated": ("F32", [16])})
        self.assertGreater(entries["train_step"]["flops"], 16 * 8 * 2)
        text = self.succeed("inspect", self.artifact)
        for name in [*entries, *(leaf["name"] for leaf in table["state"])]:
            self.assertIn(name, text)

    def test_header_declares_the_artifact(self):
        header = self.artifact.with_suffix(".h").read_text()
        self.assertIn("phlox_executable_table", header)

    def test_same_request_gives_the_same_artifact(self):
        again = self.place / "again.so"
        self.succeed("compile", "sac", "--env", "lqr", *cli.TINY, "-o", again)
        self.assertEqual(self.artifact.read_bytes(), again.read_bytes())

    def test_modes_agree(self):
        write_tensors(self.place / "in", batch())
        found = {}
        for mode in ("compiled", "eager", "interpret"):
            self.succeed("run", self.artifact, *STEP, "--mode", mode, "--in",
                         self.place / "in", "--out", self.place / mode,
                         "--state-out", self.place / f"state-{mode}")
            found[mode] = {**read_tensors(self.place / mode),
                           **read_tensors(self.place / f"state-{mode}")}
        for mode in ("compiled", "eager"):
            self.assertEqual(set(found[mode]), set(found["interpret"]))
            for name, values in found["interpret"].items():
                for ours, truth in zip(found[mode][name], values):
                    self.assertAlmostEqual(
                        ours, truth, delta=1e-4 * max(1, abs(truth)), msg=name)

    def test_explicit_noise_is_an_input_of_every_mode(self):
        artifact = self.place / "noise.so"
        self.succeed("compile", "sac", "--env", "lqr", *cli.TINY, "-o",
                     artifact, "--explicit-noise")
        found = []
        for noise in (0.5, -0.5):
            write_tensors(self.place / "in",
                          {"obs": ("F32", [1, 1], [0.3]),
                           "step": ("U64", [], [7]),
                           "sample/exploration": ("F32", [1, 1], [noise])})
            for mode in ("compiled", "eager", "interpret"):
                self.succeed("run", artifact, "sample_1", "--mode", mode,
                             "--in", self.place / "in", "--out",
                             self.place / "out")
                found.append(read_tensors(self.place / "out")["action"][0])
        for ours, truth in zip(found, [found[2]] * 3 + [found[5]] * 3):
            self.assertAlmostEqual(ours, truth, delta=1e-6)
        # parameters are 0 here: tanh of the noise
        self.assertAlmostEqual(found[2], 0.46211716, delta=1e-6)
        self.assertAlmostEqual(found[5], -0.46211716, delta=1e-6)

    def test_one_artifact_has_code_for_several_processors(self):
        both = self.place / "both.so"
        targets = ["x86-64-v4", "x86-64-v3"]
        self.succeed("compile", "sac", "--env", "lqr", *cli.TINY, "-o", both,
                     "--target", "x86-64-v3,x86-64-v4")
        table = json.loads(self.succeed("inspect", both, "--json"))
        self.assertEqual(table["targets"], ["amx-bf16x3", *targets])
        write_tensors(self.place / "in", batch())
        found = {}
        for name in targets:
            # the variant alone, and what the runtime takes of both
            alone = self.place / f"{name}.so"
            self.succeed("compile", "sac", "--env", "lqr", *cli.TINY, "-o",
                         alone, "--target", name)
            for artifact in (alone, both):
                out = self.place / "out"
                result = phlox("run", artifact, *STEP, "--in",
                               self.place / "in", "--state-out", out,
                               env={"PHLOX_MAX_ISA": name})
                if name == "x86-64-v4" and "AVX512" in result.stderr:
                    break  # not on this machine
                self.assertEqual(result.returncode, 0, result.stderr)
                found.setdefault(name, []).append(read_tensors(out))
        for states in found.values():
            self.assertEqual(*states)
        if len(found) == 2:  # sums in another order
            self.assertNotEqual(found[targets[0]], found[targets[1]])
        self.fail_with(1, "one target: got none: amx-bf16x3 lacks .*; "
                       "x86-64-v4 lacks .*; x86-64-v3 lacks AVX2", "run", both, "init", "--init", 3,
                       env={"PHLOX_MAX_ISA": "x86-64"})
        self.fail_with(2, "where x86-64-v3 is there twice", "compile", "sac",
                       "--env", "lqr", "-o", both, "--target",
                       "x86-64-v3,x86-64-v3")

    def test_products_of_bf16(self):
        """A variant of its own, which eager mode follows."""
        wide = [*cli.TINY, "--set", "actor.hidden=[32,32]", "--set",
                "critic.hidden=[32,32]", "--target", "x86-64-v4"]
        rounded, plain = self.place / "bf16.so", self.place / "f32.so"
        self.succeed("compile", "sac", "--env", "lqr", *wide, "--precision",
                     "bf16", "-o", rounded)
        self.succeed("compile", "sac", "--env", "lqr", *wide, "-o", plain)
        self.fail_with(1, "got none: amx-bf16 lacks .*; avx512-bf16 lacks "
                       ".*AVX512-BF16", "run",
                       rounded, "init", "--init", 3,
                       env={"PHLOX_MAX_ISA": "x86-64-v4"})
        self.fail_with(2, "precision bf16 must have the target x86-64-v4",
                       "compile", "sac", "--env", "lqr", "--precision", "bf16",
                       "--target", "x86-64-v3", "-o", rounded)
        write_tensors(self.place / "in", batch())
        moments = {}
        for artifact, mode in [(rounded, "compiled"), (rounded, "eager"),
                               (plain, "compiled")]:
            out = self.place / "out"
            result = phlox("run", artifact, *STEP, "--in", self.place / "in",
                           "--state-out", out, "--mode", mode)
            if "AVX512" in result.stderr:
                self.skipTest(result.stderr)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(
                json.loads(self.succeed("inspect", rounded,
                                        "--json"))["targets"],
                ["amx-bf16", "avx512-bf16"])
            moments[artifact.stem, mode] = [
                x for name, values in sorted(read_tensors(out).items())
                if name.endswith("/adam_m") for x in values]

        def apart(x, y):
            return math.dist(x, y) / math.hypot(*x)
        exact = moments["f32", "compiled"]
        error = apart(exact, moments["bf16", "compiled"])
        self.assertTrue(1e-4 < error < 0.1, error)
        # both round operands, if not of quite the same products
        self.assertLess(apart(*(moments["bf16", mode]
                                for mode in ("compiled", "eager"))), error)

    def test_times_of_passes_add_up(self):
        lines = self.succeed("compile", "sac", "--env", "lqr", "--time-passes",
                             "-o", self.place / "t.so").splitlines()
        self.assertEqual(lines[0].split(), ["ms", "share", "phase"])
        rows = [line.split(maxsplit=2) for line in lines[1:]]
        self.assertIn("machine code", [row[2] for row in rows])
        *parts, total = [float(row[0]) for row in rows]
        self.assertGreater(total, 1)
        self.assertAlmostEqual(sum(parts), total, delta=0.06 * len(rows))

    def test_bench_prints_json(self):
        self.fail_with(2, "--bench must go with --mode compiled or eager",
                       "run", self.artifact, *STEP, "--mode", "interpret",
                       "--bench", "5")
        write_tensors(self.place / "in", batch())
        line = json.loads(self.succeed("run", self.artifact, *STEP, "--in",
                                       self.place / "in", "--bench", "5"))
        self.assertLessEqual(line["min_us"], line["median_us"])
        self.assertGreater(line["gflops"], 0)

    def test_nan_leaves_the_state(self):
        for name in ("obs", "reward", "next_obs"):
            tensors = batch()
            tensors[name][2][3] = float("nan")
            write_tensors(self.place / "in", tensors)
            self.succeed("run", self.artifact, "init", "--init", "3",
                         "--state-out", self.place / "before")
            self.succeed("run", self.artifact, *STEP, "--in",
                         self.place / "in", "--out", self.place / "out",
                         "--state-out", self.place / "after")
            self.assertEqual(read_tensors(self.place / "out")["nonfinite"],
                             (1.0,))
            self.assertEqual((self.place / "before").read_bytes(),
                             (self.place / "after").read_bytes(), name)

    def test_unknown_names(self):
        out = ["-o", self.place / "x.so"]
        for text, *words in [
                ("td3: got 'sax'", "sax", "--env", "lqr"),
                ("nearest known: HalfCheetah-v5", "sac", "--env", "HalfCheetah"),
                ("ALGO and --env are required", "sac"),
                ("nearest: 'actor.lr'", "sac", "--env", "lqr", "--set",
                 "actor.lrr=1"),
                ("it is called 'discount' here", "sac", "--env", "lqr", "--set",
                 "gamma=.9"),
                ("discount must be", "sac", "--env", "lqr", "--set",
                 "discount=high"),
                ("batch must be int", "sac", "--env", "lqr", "--set",
                 "batch=1.5"),
                ("actor.activation", "sac", "--env", "lqr", "--set",
                 "actor.activation=rely"),
                ("--set must be KEY=VALUE", "sac", "--env", "lqr", "--set",
                 "batch"),
                ("keyword argument must be one of", "sac", "--env", "lqr",
                 "--set", "env.mass=1"),
                ("target must be", "sac", "--env", "lqr", "--target", "vax"),
                ("precision must be", "sac", "--env", "lqr", "--precision",
                 "f8"),
                ("cannot open", "sac", "--env", "lqr", "--config",
                 self.place / "none.toml")]:
            with self.subTest(words):
                self.fail_with(2, re.escape(text), "compile", *words, *out)
        self.fail_with(2, "entry point must be one of init, train_step", "run",
                       self.artifact, "fly")
        self.fail_with(2, "other than its header", "compile", "sac", "--env",
                       "lqr", "-o", "x.h")
        for seed in ["-1", "18446744073709551616", "", "1.5"]:
            self.fail_with(2, "whole number", "run", self.artifact, "init",
                           "--init", seed)
        same = self.place / "same"
        self.fail_with(2, "must be two files", "run", self.artifact, "init",
                       "--init", 3, "--out", same, "--state-out", same)
        self.fail_with(2, "must be two files", "run", self.artifact, "init",
                       "--init", 3, "--out", f"{self.place}/./same",
                       "--state-out", same)
        self.assertEqual(list(self.place.iterdir()), [])

    def test_damaged_artifacts(self):
        whole = self.artifact.read_bytes()
        bad = self.place / "bad.so"
        at = len(whole) // 2
        # the trailer's version follows its magic
        version = len(whole) - 56 + 8
        for name, content in {
                "cut": whole[:-1], "half": whole[:at], "empty": b"",
                "flipped": whole[:at] + bytes([whole[at] ^ 1])
                + whole[at + 1:],
                "version": whole[:version] + struct.pack("<I", 99)
                + whole[version + 4:],
                "text": b"no artifact at all\n" * 9}.items():
            bad.write_bytes(content)
            for words in (["inspect", bad], ["run", bad, "init", "--init", 1],
                          ["train", "--artifact", bad]):
                with self.subTest(name, verb=words[0]):
                    self.fail_with(1, r"bad\.so: ", *words, cwd=self.place)
        self.fail_with(1, r"none\.so", "inspect", self.place / "none.so")
        self.assertEqual([path.name for path in self.place.iterdir()],
                         ["bad.so"])

    def test_wrong_tensors(self):
        path = self.place / "in"

        def changed(name, value):
            tensors = batch()
            tensors.pop(name, None)
            return {**tensors, **value}

        row = [0.0] * 16
        for text, tensors in {
                "needs the input 'reward' f32 16": changed("reward", {}),
                "'cost' is not an input": changed("", {
                    "cost": ("F32", [16], row)}),
                "'reward' must be f32 16: got f32 16x1": changed("reward", {
                    "reward": ("F32", [16, 1], row)}),
                "'reward' must be f32 16: got f64 16": changed("reward", {
                    "reward": ("F64", [16], row)})}.items():
            write_tensors(path, tensors)
            self.fail_with(1, text, "run", self.artifact, *STEP, "--in", path,
                           "--out", self.place / "out")
        write_tensors(path, batch())
        whole = path.read_bytes()
        for content in (whole[:-4], b"", b"\xff" * 64,
                        whole.replace(b"[0, 64]", b"[0, 99]"),
                        whole.replace(b"[0, 64]", b"[9, 64]")):
            path.write_bytes(content)
            self.fail_with(1, "/in: ", "run", self.artifact, *STEP, "--in",
                           path, "--out", self.place / "out")
        self.assertFalse((self.place / "out").exists())

    def test_wrong_state(self):
        state = self.place / "state"
        write_tensors(state, {"weight": ("F32", [1], [0.0])})
        self.fail_with(1, "state", "run", self.artifact, "train_step",
                       "--state", state)
        self.fail_with(2, "exclude", "run", self.artifact, "init", "--state",
                       state, "--init", 1)

    def test_full_disk_leaves_nothing(self):
        write_tensors(self.place / "in", batch())
        out = self.place / "out"
        out.mkdir()
        limit = 4096
        self.fail_with(1, "", "run", self.artifact, "init", "--init", 3,
                       "--state-out", out / "state", file_limit=1024)
        # the outputs fit, the state does not
        self.fail_with(1, "", "run", self.artifact, *STEP, "--in",
                       self.place / "in", "--out", out / "out", "--state-out",
                       out / "state", file_limit=limit)
        self.fail_with(1, "", "compile", "sac", "--env", "lqr", *cli.TINY, "-o",
                       out / "a.so", file_limit=limit,
                       env={"TMPDIR": str(out)})
        self.assertEqual(list(out.iterdir()), [])
        for phase in ["00-program.mlir", "90-llvm.ll"]:
            (out / phase).symlink_to("/dev/full")
            self.fail_with(1, phase + ": No space left", "compile", "sac",
                           "--env", "lqr", *cli.TINY, "-o", out / "a.so",
                           "--dump-ir", out)
            (out / phase).unlink()
            self.assertFalse((out / "a.so").exists())

    def test_full_disk_leaves_nothing_of_a_pair(self):
        """The header fits, the artifact does not."""
        header = self.artifact.with_suffix(".h").stat().st_size
        out = self.place / "out"
        out.mkdir()
        self.fail_with(1, "", "compile", "sac", "--env", "lqr", *cli.TINY,
                       "--object", "-o", out / "a.o", file_limit=header + 1)
        self.assertEqual(list(out.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
