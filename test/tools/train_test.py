"""train and eval: configuration, resuming, threads, evaluation.

Usage: train_test.py PROGRAM
"""

import json
import pathlib
import shutil
import statistics
import subprocess
import unittest

import cli
from cli import TINY, CliTest, phlox, rows

PRESETS = pathlib.Path(__file__).resolve().parents[2] / "rl/presets"
RUN = ["--set", "total_timesteps=2000", "--set", "learning_starts=200", "--set",
       "eval.every=1000", "--set", "eval.episodes=2", "--set",
       "eval.final_episodes=4", "--set", "checkpoint.every=400", "--set",
       "checkpoint.min_interval=0", "--set", "log.every=100", "--set",
       "log.tensorboard=false"]


class TrainTest(CliTest):
    def train(self, *words, **options):
        """Trains on the class's artifact; returns the run folder."""
        self.succeed("train", "--artifact", self.artifact, "-q", *RUN, "--set",
                     "num_envs=4", "--set", "eval.num_envs=2", "--out",
                     self.place, *words, **options)
        return self.only_run()

    def only_run(self):
        runs = [path for path in self.place.iterdir()
                if (path / "config.toml").exists()]
        self.assertEqual(len(runs), 1)
        return runs[0]

    def test_config_round_trip(self):
        first = self.succeed("train", "sac", "--env", "lqr", *cli.TINY, *RUN,
                             "--seed", "7", "--print-config")
        (self.place / "c.toml").write_text(first)
        again = self.succeed("train", "sac", "--env", "lqr", "--config",
                             self.place / "c.toml", "--print-config")

        def values(text):
            return [line.split("  # ")[0].rstrip() for line in
                    text.splitlines()]

        self.assertEqual(values(first), values(again))
        for line, origin in {"seed = 7": "--seed", "batch = 16": "--set",
                             "discount = 0.97": "preset",
                             "threads = 0": "default"}.items():
            self.assertRegex(first, rf"(?m)^{line} +# {origin}$")
        self.assertRegex(again, r"(?m)^seed = 7 +# .*c\.toml$")

    def test_config_alone_repeats_a_run(self):
        words = ["-q", "--out", self.place, "--name"]
        self.succeed("train", "sac", "--env", "lqr", *TINY, "--set",
                     "learning_starts=200", "--set", "checkpoint.every=500",
                     "--set", "eval.final_episodes=0", "--total-timesteps",
                     "1600", *words, "first")
        first = self.place / "first"
        # who sets the steps between checkpoints gets them, at once
        self.assertEqual({path.name for path in
                          (first / "checkpoints").glob("0*")},
                         {"000001000", "000001500", "000001600"})
        self.succeed("train", "--config", first / "config.toml", *words, "again")
        for name in ("arena.safetensors", "replay.json"):
            self.assertEqual(*[
                (self.place / run / "checkpoints/000001600" / name).read_bytes()
                for run in ("first", "again")])

    def test_empty_values_are_refused(self):
        for option in ("--resume", "--stop-after", "--artifact", "--precision",
                       "--env", "--config", "--out"):
            self.fail_with(2, f"{option}: must have a value: got an empty one",
                           "train", "sac", "--env", "lqr", option, "")
            self.fail_with(2, f"{option}: must have a value: got an empty one",
                           "train", "sac", f"{option}=", "--print-config")

    def test_settings_are_explained(self):
        text = self.succeed("train", "sac", "--env", "lqr", "--explain")
        self.assertRegex(text, r"(?m)^actor\.lr = \S+ +# float from 0 to 1: ")
        self.assertRegex(text, r"(?m)^checkpoint\.every = 20000 +# int from 0: ")

    def test_a_resumed_run_keeps_its_program(self):
        run = self.train()
        other = self.place / "f32.so"
        self.succeed("compile", "sac", "--env", "lqr", *TINY, "--precision",
                     "f32", "-o", other)
        result = phlox("train", "--resume", run, "--artifact", other, "-q")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertRegex(result.stderr, r"precision: was high, is f32\n"
                         r".*must keep its configuration")
        own = (run / "artifact.so").read_bytes()
        (run / "artifact.so").write_bytes(other.read_bytes())
        result = phlox("train", "--resume", run, "-q")
        self.assertEqual(result.returncode, 1)
        self.assertIn("precision: was high, is f32\n", result.stderr)
        (run / "artifact.so").write_bytes(own)
        target, = json.loads(self.succeed("inspect", run / "artifact.so",
                                          "--json"))["targets"]
        if target.startswith("amx"):
            target = "x86-64-v4"
        for same in (target, "native"):
            self.succeed("train", "--resume", run, "--target", same, "-q")
        self.fail_with(2, "--target must be that of the run's program, or go "
                          "with --force: got x86-64-v3,x86-64-v4", "train",
                       "--resume", run, "--target", "x86-64-v3,x86-64-v4")

    def test_every_preset_fits_its_algorithm_and_task(self):
        names = [path.relative_to(PRESETS).with_suffix("")
                 for path in PRESETS.rglob("*.toml")]
        self.assertGreaterEqual(len(names), 3)
        for name in names:
            algorithm, env = (*name.parts, "lqr")[:2]
            text = self.succeed("train", algorithm, "--env", env,
                                "--print-config")
            self.assertRegex(text, "(?m)# preset$", name)

    def test_published_choices_win_over_presets(self):
        text = self.succeed("train", "sac", "--env", "lqr", "--as-published",
                            "--print-config")
        self.assertRegex(text, r"(?m)^reward_scale = 0\.2 +# --as-published$")

    def test_manifest_says_which_runs_are_as_published(self):
        small = [*TINY, "--set", "learning_starts=100", "--set",
                 "eval.episodes=2", "--set", "eval.final_episodes=2"]
        run = self.place / "runs/run"
        into = ["-q", "--out", run.parent, "--name"]
        isfm = ["isfm", "--env", "lqr", *small]

        def published(run):
            rows = json.loads((run / "manifest.json").read_text())
            return rows.get("as_published")

        resume = ["train", "-q", "--resume", run, "--total-timesteps"]
        for wanted, *words in [
                (["resampled"], "train", *isfm, "--as-published", *into, "run",
                 "--total-timesteps", 200),
                (["resampled"], *resume, 300),
                (["resampled"], *resume, 400, "--as-published"),
                (None, *resume, 500, "--set", "resampled=4", "--force"),
                (["resampled"], *resume, 600, "--as-published", "--force")]:
            made = phlox(*words)
            self.assertEqual(made.returncode, 0, made.stderr)
            self.assertEqual(published(run), wanted, words)
        phlox(*resume, 700, "--set", "resampled=4", "--force")
        refused = phlox(*resume, 800, "--as-published")
        self.assertEqual(refused.returncode, 1)
        self.assertEqual(refused.stderr.splitlines()[0],
                         "phlox: resampled: was 4, is 0")
        # an artifact says it too
        file = self.place / "isfm.so"
        self.succeed("compile", *isfm, "--as-published", "-o", file)
        self.succeed("train", "--artifact", file, *small[4:], *into, "other",
                     "--total-timesteps", 200)
        self.assertEqual(published(run.parent / "other"), ["resampled"])

    def test_a_manifest_of_any_shape_stops_no_run(self):
        run = self.train("--total-timesteps", "400", "--tags", "a,b")
        path = run / "manifest.json"
        rows = json.loads(path.read_text())
        deep = "[" * 100_000 + "]" * 100_000
        for key, value in (("tags", '{"a": 1}'), ("tags", deep),
                           ("resumes", deep), ("plugin", deep)):
            path.write_text(json.dumps(rows)[:-1] + f', "{key}": {value}}}')
            self.succeed("train", "--resume", run, "-q")
            kept = json.loads(path.read_text())
            self.assertNotIn("tags", kept)
            self.assertEqual(len(kept["resumes"]), 1)

    def test_wrong_settings(self):
        for text, *words in [
                ("seed must be int", "--seed", "x"),
                ("total_timesteps must be", "--total-timesteps", "1.5"),
                ("num_envs must be", "--num-envs", "0"),
                ("nearest: 'eval.every'", "--set", "eval.evry=1"),
                ("as the artifact was compiled", "--set", "batch=32"),
                ("keyword argument must be one of", "--set", "env.mass=1"),
                ("stop_after must be from 0 to inf: got nan", "--set",
                 "stop_after=nan"),
                ("without '/': got '../up'", "--name", "../up"),
                ("'sample_3'", "--num-envs", "3")]:
            with self.subTest(words):
                result = phlox("train", "--artifact", self.artifact, "-q",
                               "--set", "num_envs=4", "--set",
                               "eval.num_envs=2", *words, "--out", self.place)
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertRegex(result.stderr, r"\Aphlox: [^\n]+\n\Z")
                self.assertIn(text, result.stderr)
        self.assertEqual(list(self.place.iterdir()), [])

    def test_training_and_evaluation(self):
        run = self.train("--threads", "1")
        self.assertEqual(len(rows(run / "metrics.csv")), 20)
        updates = int(float(json.loads(
            (run / "checkpoints/000002000/trainer.json").read_text())
            ["counters"]["update"]))
        self.assertEqual(updates, 450)
        final = json.loads((run / "result.json").read_text())["final"]
        out = self.succeed("eval", self.place, "--episodes", "4")
        self.assertRegex(out, r"episodes +4, .*steps/s\n")
        self.assertRegex(out, r"return .* IQM .*\n95 % .*bootstrap")
        found = json.loads((run / "eval-2000.json").read_text())
        # the same state, start states and noise as training's last evaluation
        self.assertEqual(found["returns"], final["returns"])
        # a task of one number: where each episode began and ended
        for key in ("first_actions", "final_obs"):
            self.assertEqual([len(row) for row in found[key]], [1] * 4)
        self.assertEqual(len({row[0] for row in found["final_obs"]}), 4)
        low, high = found["interval"]
        self.assertTrue(min(found["returns"]) <= low <= found["mean"] <= high
                        <= max(found["returns"]))
        self.check_numbers(run)
        told = json.loads(self.succeed("eval", run, "--episodes", "3",
                                       "--checkpoint", "1600", "--num-envs",
                                       "1", "--json", "-"))
        self.assertEqual((told["env_step"], told["episodes"], told["num_envs"]),
                         (1600, 3, 1))
        self.assertEqual(json.loads(self.succeed(
            "eval", run, "--checkpoint", "best", "--json", "-"))["checkpoint"],
            "best")
        self.fail_with(2, "one of .*000002000", "eval", run, "--checkpoint", 7)
        self.fail_with(2, "evaluate_4", "eval", run, "--num-envs", "3")
        self.fail_with(2, "exactly one", "eval", self.folder / "nowhere")
        # said before an episode is run: nothing of them is on stdout
        self.fail_with(1, "a video needs a task with a MuJoCo model: got lqr",
                       "eval", run, "--video", self.place / "x.mp4")
        for option in ("--video", "--json"):
            self.fail_with(2, f"{option} must name a file in a folder that "
                           "exists: got '/no/x'", "eval", run, option, "/no/x")
        # what cannot be said is lost, but the work is done
        with open("/dev/full", "w") as full:
            done = subprocess.run([cli.PROGRAM, "eval", run, "--json",
                                   self.place / "f.json"], stdout=full, stderr=full,
                                  timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertTrue((self.place / "f.json").exists())
        # nor is it where the run's folder takes nothing more
        (run / "eval-2000.json").unlink()
        (run / "eval-2000.json").mkdir()
        done = phlox("eval", run, "--episodes", "2", "--json",
                     self.place / "g.json")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Aphlox: [^\n]*eval-2000\.json: [^\n]+\n\Z")
        self.assertTrue((self.place / "g.json").exists())

    def check_numbers(self, run):
        found = json.loads(self.succeed("eval", run, "--json", "-"))
        returns = sorted(found["returns"])
        self.assertEqual((len(returns), found["episodes"]), (100, 100))
        sd = statistics.stdev(returns)
        for key, value in {"mean": statistics.mean(returns), "sd": sd,
                           "iqm": statistics.mean(returns[25:75]),
                           "min": returns[0], "max": returns[-1]}.items():
            self.assertAlmostEqual(found[key], value, msg=key)
        low, high = found["interval"]
        # close to the normal interval, and moved as the returns are skewed
        self.assertAlmostEqual((high - low) / (2 * 1.96 * sd / 10), 1,
                               delta=0.15)

    def test_evaluation_finds_damage(self):
        run = self.train()
        arena = run / "checkpoints/000002000/arena.safetensors"
        whole = bytearray(arena.read_bytes())
        whole[-1] ^= 1
        arena.write_bytes(whole)
        self.fail_with(1, "arena.safetensors: SHA-256", "eval", run,
                       "--checkpoint", "2000")
        # without a wish, the one before is used, with one line
        result = phlox("eval", run, "--episodes", "2", "--json", "-")
        self.assertEqual(json.loads(result.stdout)["env_step"], 1600)
        self.assertRegex(result.stderr, r"\Aphlox: checkpoint 000002000 is "
                         r"damaged, going to the one before: [^\n]+\n\Z")
        self.assertTrue(arena.exists())

    def test_threads_do_not_change_bits(self):
        found = []
        for threads in ("1", "2"):
            run = self.train("--threads", threads)
            found.append([
                (run / "checkpoints/000002000" / name).read_bytes()
                for name in ("arena.safetensors", "envs.safetensors",
                             "replay.json")] + [rows(run / "metrics.csv")])
            shutil.rmtree(run)
        self.assertEqual(found[0], found[1])

    def test_overlap_changes_data_but_not_with_threads(self):
        arenas, finals = [], []
        for words in (["--overlap", "--threads", "1"],
                      ["--overlap", "--threads", "2"], ["--threads", "2"]):
            run = self.train(*words)
            arenas.append((run / "checkpoints/000002000/arena.safetensors")
                          .read_bytes())
            finals.append(json.loads((run / "result.json").read_text())
                          ["final"]["mean"])
            # a resumed run keeps to it
            result = phlox("train", "--resume", run, "--set", "overlap=" + (
                "true" if len(arenas) == 3 else "false"))
            self.assertEqual(result.returncode, 1)
            self.assertTrue(result.stderr.startswith("phlox: overlap: was "))
            shutil.rmtree(run)
        self.assertEqual(arenas[0], arenas[1])
        self.assertEqual(finals[0], finals[1])
        self.assertNotEqual(arenas[0], arenas[2])

    def test_resume_needs_no_names_and_keeps_the_configuration(self):
        run = self.train("--total-timesteps", "1200")
        before = (run / "checkpoints/000001200/arena.safetensors").read_bytes()
        result = phlox("train", "--resume", run, "--set", "learning_starts=9")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertEqual(result.stderr.splitlines()[0],
                         "phlox: learning_starts: was 200, is 9")
        self.fail_with(2, "--env must be 'lqr'", "train", "--resume", run,
                       "--env", "HalfCheetah-v5")
        self.assertEqual(
            before,
            (run / "checkpoints/000001200/arena.safetensors").read_bytes())
        (self.place / "broken").mkdir()
        (self.place / "broken/config.toml").write_text("[[[\n")
        self.fail_with(1, "broken/config.toml:1: must be TOML", "train",
                       "--resume", self.place / "broken")
        shutil.rmtree(self.place / "broken")
        # the parent will do, and the end may move
        self.succeed("train", "--resume", self.place, "-q",
                     "--total-timesteps", "2000")
        last = "checkpoints/000002000/arena.safetensors"
        resumed = (run / last).read_bytes()
        shutil.rmtree(run)
        self.assertEqual(resumed, (self.train() / last).read_bytes())

    def test_resume_auto_goes_on_with_the_named_run(self):
        words = ["--name", "mine", "--resume", "auto"]
        run = self.train(*words)
        before = rows(run / "metrics.csv")
        self.assertEqual(run.name, "mine")
        self.assertEqual(rows(self.train(*words) / "metrics.csv"), before)
        self.fail_with(2, "--name must be left out or be 'mine'", "train",
                       "--resume", run, "--name", "other", "--out", self.place)

    def test_an_artifact_needs_no_compiler(self):
        first = ["train", "--artifact", self.artifact, "-q", *RUN, "--set",
                 "num_envs=4", "--set", "eval.num_envs=2", "--out", self.place]
        for words in (first, ["train", "--resume", self.place, "-q"],
                      ["eval", self.place, "--episodes", "2"],
                      ["inspect", self.artifact]):
            result = phlox(*words, env={"LD_DEBUG": "files"})
            self.assertEqual(result.returncode, 0)
            self.assertIn("libphlox_runtime", result.stderr)
            self.assertNotRegex(result.stderr, "libphlox_compiler|libLLVM")
        result = phlox("algorithms", env={"LD_DEBUG": "files"})
        self.assertIn("libphlox_compiler", result.stderr)

    def test_success_and_videos_of_a_simulated_task(self):
        run = self.place / "kitchen"
        made = phlox("train", "sac", "--env", "kitchen-1", *cli.TINY, *RUN,
                     "--total-timesteps", "80", "--set", "learning_starts=40",
                     "--set", "eval.every=40", "--set", "video.every=80",
                     "--set", "env.max_episode_steps=5", "-q", "--out",
                     self.place, "--name", run.name)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual([float(row["success"]) for row in
                          rows(run / "eval.csv")], [0, 0])
        out = self.succeed("eval", run, "--episodes", "3")
        self.assertRegex(out, r"(?m)^success +0 ")
        found = json.loads((run / "eval-80.json").read_text())
        self.assertEqual((found["success"], found["successes"]), (0, [0] * 3))
        videos = [path.name for path in (run / "videos").iterdir()]
        if "no videos, the run goes on" in made.stderr:  # no OpenGL or FFmpeg
            self.assertEqual((videos, made.stderr.count("\n")), ([], 1))
        else:
            self.assertEqual(videos, ["000000080.mp4"])
            self.assertGreater((run / "videos" / videos[0]).stat().st_size,
                               1000)

    def test_a_task_without_pictures_trains_without_videos(self):
        result = phlox("train", "--artifact", self.artifact, "-q", *RUN, "--set",
                       "num_envs=4", "--set", "eval.num_envs=2", "--set",
                       "video.every=1000", "--out", self.place)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"\A[^\n]*no videos, the run goes on: a "
                         r"video needs a task with a MuJoCo model: got lqr\n\Z")
        self.fail_with(2, "video.every must be 0 without evaluations", "train",
                       "--artifact", self.artifact, *RUN, "--set",
                       "video.every=9", "--set", "eval.every=0", "--out",
                       self.place)

    def test_dry_run_does_one_of_everything_and_writes_nothing(self):
        words = ["train", "--artifact", self.artifact, *RUN, "--dry-run",
                 "--set", "eval.num_envs=2"]
        out = self.succeed(*words, "--num-envs", "4", cwd=self.place)
        self.assertRegex(out, r"one of everything: 4 env steps [\d.e-]+ ms, "
                         r"actions .* ms, update .* ms, step of an evaluation")
        self.assertRegex(out, r"needs about \d.* of memory and .* of disk, and ")
        # what the run would refuse, this refuses
        self.fail_with(2, "'sample_3'", *words, "--num-envs", "3")
        self.assertEqual(list(self.place.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
