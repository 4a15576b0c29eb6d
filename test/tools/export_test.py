"""export and eval's choices: a policy as a folder that refuses what does not
belong to it.

Usage: export_test.py PROGRAM RUNTIME_LIBRARY SOURCE_ROOT
"""

import json
import pathlib
import shutil
import subprocess
import sys
import unittest

LIBRARY, ROOT = (pathlib.Path(word).resolve() for word in sys.argv[2:4])
del sys.argv[2:4]

from cli import CliTest, phlox, read_tensors, write_tensors

TINY_FLOW = ["--set", "actor.hidden=[8]", "--set", "critic.hidden=[8]", "--set",
             "batch=16", "--set", "particles=4", "--set", "nfe=2", "--set",
             "num_envs=4", "--set", "eval.num_envs=2", "--set",
             "total_timesteps=400", "--set", "learning_starts=200", "--set",
             "eval.every=0", "--set", "eval.final_episodes=0", "--set",
             "log.tensorboard=false"]


class ExportTest(CliTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for seed in ("1", "2"):
            made = phlox("train", "flame-r", "--env", "lqr", *TINY_FLOW, "-q",
                         "--seed", seed, "--out", cls.folder, "--name",
                         f"run{seed}")
            if made.returncode:
                raise RuntimeError(made.stderr)
            made = phlox("export", cls.folder / f"run{seed}", "-o",
                         cls.folder / f"policy{seed}", "--episodes", "4",
                         "--licence", "CC0-1.0")
            if made.returncode:
                raise RuntimeError(made.stderr)
        cls.run_folder = cls.folder / "run1"
        cls.policy = cls.folder / "policy1"
        cls.host = cls.folder / "host"
        subprocess.run(
            ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror",
             cls.policy / "main.c", cls.policy / "policy.o",
             f"-I{ROOT}/runtime/include", LIBRARY,
             f"-Wl,-rpath,{LIBRARY.parent}", "-lm", "-o", cls.host],
            check=True, timeout=60)

    def host_says(self, folder):
        return subprocess.run([self.host, folder], text=True,
                              capture_output=True, timeout=20)

    def test_host_passes_the_self_test(self):
        result = self.host_says(self.policy)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout,
                         r"\Aself-test passed: 8 actions, .*\naction 0: ")
        self.assertRegex(self.succeed("export", "--check", self.policy),
                         "6 files as the card says; self-test passed")

    def test_the_entry_point_acts_in_the_tasks_units(self):
        card = json.loads((self.policy / "card.json").read_text())
        low, high = (card["action"][end][0] for end in ("low", "high"))
        state = (self.run_folder / "checkpoints/000000400" /
                 "arena.safetensors")
        test = read_tensors(self.policy / "selftest.safetensors")
        self.assertEqual(len(test["step"]), 8)
        for obs, step, wanted in zip(test["obs"], test["step"],
                                     test["action"]):
            write_tensors(self.place / "in", {"obs": ("F32", [1, 1], [obs]),
                                              "step": ("U64", [], [step])})
            self.succeed("run", self.run_folder / "artifact.so", "evaluate_1",
                         "--state", state, "--in", self.place / "in", "--out",
                         self.place / "out")
            raw = read_tensors(self.place / "out")["action"][0]
            raw = max(-1.0, min(1.0, raw))
            self.assertAlmostEqual(
                wanted, (low + high) / 2 + (high - low) / 2 * raw,
                delta=1e-4 * (high - low))

    def test_a_run_of_bf16(self):
        """Its policy is exported in f32; what it learns stays bf16."""
        words = ["train", "sac", "--env", "lqr", *TINY_FLOW[:2], "--set",
                 "critic.hidden=[16]", *TINY_FLOW[4:6], *TINY_FLOW[10:], "-q"]
        made = phlox(*words, "--precision", "bf16", "--out", self.place,
                     "--name", "run")
        if "AVX512-BF16" in made.stderr or "x86-64-v4" in made.stderr:
            self.skipTest(made.stderr)
        self.assertEqual(made.returncode, 0, made.stderr)
        run = self.place / "run"
        self.succeed("export", run, "-o", self.place / "policy", "--episodes",
                     4)
        self.succeed("export", "--check", self.place / "policy")
        card = json.loads((self.place / "policy/card.json").read_text())
        self.assertEqual(card["return"]["precision"], "bf16")

        def targets():
            return json.loads(self.succeed("inspect", run / "artifact.so",
                                           "--json"))["targets"]
        made_for = targets()
        self.assertIn(made_for, (["avx512-bf16"], ["amx-bf16"]))
        for change in (["--set", "batch=20", "--force"], []):
            (run / "artifact.so").unlink()
            made = phlox("train", "--resume", run, "-q", "--total-timesteps",
                         500, *change)
            self.assertEqual(made.returncode, 0, made.stderr)
            self.assertEqual(targets(), made_for)

    def test_card(self):
        card = json.loads((self.policy / "card.json").read_text())
        self.assertEqual(
            (card["task"]["id"], card["algorithm"], card["licence"],
             card["env_step"], card["observation"]["layout"],
             card["policy"]["particles"], card["return"]["episodes"]),
            ("lqr", "flame-r", "CC0-1.0", 400, ["qpos[0]"], 4, 4))
        low, high = card["return"]["interval"]
        self.assertTrue(low <= card["return"]["mean"] <= high)
        table = json.loads(self.succeed("inspect", self.policy / "policy.so",
                                        "--json"))
        self.assertEqual(table["hash"], card["hash"])
        self.assertEqual([e["name"] for e in table["entries"]], ["act"])
        # what only training needs stays behind
        self.assertFalse([leaf["name"] for leaf in table["state"]
                          if "adam" in leaf["name"]])

    def test_a_flipped_byte_anywhere_is_refused(self):
        for file in sorted(self.policy.iterdir()):
            with self.subTest(file.name):
                copy = self.place / file.name / "policy"
                shutil.copytree(self.policy, copy)
                content = bytearray((copy / file.name).read_bytes())
                content[len(content) // 2] ^= 1
                (copy / file.name).write_bytes(content)
                result = phlox("export", "--check", copy)
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertRegex(result.stderr, r"\Aphlox: [^\n]+\n\Z")
                self.assertIn(file.name, result.stderr)
                result = self.host_says(copy)
                if file.suffix in (".safetensors", ".json"):
                    self.assertEqual(result.returncode, 1)
                    self.assertRegex(result.stderr,
                                     rf"{file.name}: SHA-256 must be")

    def test_parameters_of_another_policy_are_refused(self):
        self.assertEqual(self.host_says(self.folder / "policy2").returncode, 1)
        mixed = self.place / "mixed"
        shutil.copytree(self.policy, mixed)
        shutil.copy(self.folder / "policy2/policy.safetensors", mixed)
        self.fail_with(1, r"policy\.safetensors: SHA-256", "export", "--check",
                       mixed)

    def test_wrong_words(self):
        self.fail_with(2, "RUN_DIR and -o DIR are required", "export")
        self.fail_with(2, "new or an empty folder", "export", self.run_folder,
                       "-o", self.policy)
        self.fail_with(2, r"an empty folder: got .*main\.c", "export",
                       self.run_folder, "-o", self.policy / "main.c")
        self.fail_with(2, "target", "export", self.run_folder, "-o",
                       self.place / "new", "--target", "z80")
        self.fail_with(1, "card.json", "export", "--check", self.place)
        self.assertEqual(list(self.place.iterdir()), [])

    def test_eval_with_other_particles_and_parameters(self):
        def told(*words):
            return json.loads(self.succeed("eval", self.run_folder, "--json",
                                           "-", "--episodes", "4", *words))
        usual, one, raw = told(), told("--particles", "1"), told("--no-ema")
        self.assertEqual((usual["network_evaluations"],
                          one["network_evaluations"], usual["averaged"],
                          raw["averaged"]), (8, 2, True, False))
        self.assertEqual(told("--nfe", "4", "--particles", "2")
                         ["network_evaluations"], 8)
        for other in (one, raw):
            self.assertNotEqual(other["returns"], usual["returns"])
        self.assertEqual(told("--particles", "4")["returns"],
                         usual["returns"])
        for tail in ("", "-particles1", "-particles2-nfe4", "-no-ema"):
            self.assertTrue(
                (self.run_folder / f"eval-400{tail}.json").exists(), tail)

    def test_eval_refuses_what_the_algorithm_lacks(self):
        self.succeed("train", "--artifact", self.artifact, "-q",
                     *TINY_FLOW[10:], "--out", self.place, "--name", "sac")
        self.fail_with(2, "--particles must be left out for sac", "eval",
                       self.place / "sac", "--particles", "2")
        self.fail_with(2, "--no-ema must be left out for sac", "eval",
                       self.place / "sac", "--no-ema")


if __name__ == "__main__":
    unittest.main()
