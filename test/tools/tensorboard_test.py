"""Event files of real runs: their tags, read by a reader of our own and by
TensorBoard, where that is installed or lies in $PHLOX_TENSORBOARD.

Usage: tensorboard_test.py PROGRAM
"""

import csv
import math
import os
import subprocess
import sys
import time
import unittest

import cli
import events
from cli import CliTest

if "PHLOX_TENSORBOARD" in os.environ:
    sys.path.append(os.environ["PHLOX_TENSORBOARD"])
try:
    from tensorboard.backend.event_processing import event_accumulator
except ImportError:
    event_accumulator = None

RUN = ["--set", "learning_starts=200", "--set", "eval.every=500", "--set",
       "eval.episodes=2", "--set", "eval.final_episodes=2", "--set",
       "checkpoint.min_interval=0", "--set", "checkpoint.every=300", "--set",
       "log.every=100", "--threads", "1", "-q"]
TAGS = {f"{group}/{name}" for group, names in {
    "charts": "episodic_return episodic_length SPS SPS_window updates_per_sec "
              "learning_rate replay_size sim_warnings nan_guard",
    "losses": "qf1_values qf2_values qf1_loss qf2_loss qf_loss actor_loss alpha "
              "alpha_loss entropy target_entropy alpha_floor_rate "
              "action_saturation soft_target_mean td_error_p95 grad_norm_actor "
              "grad_norm_critic param_norm",
    "eval": "episodic_return return_sd return_min return_max length sample_us",
    "time": "env sample update replay eval checkpoint other",
    "system": "rss_gb"}.items() for name in names.split()}
FLOW = {"losses/flow_loss", "losses/ess_mean", "losses/ess_p05",
        "losses/weight_max"}


def files_of(run):
    return sorted(run.glob("events.out.tfevents.*"))


class EventsTest(CliTest):
    def train(self, algorithm, *words):
        name = "-".join([algorithm, *map(str, words)])
        self.succeed("train", algorithm, "--env", "lqr", *cli.TINY, *RUN,
                     "--total-timesteps", "1000", "--out", self.place, "--name",
                     name, *words)
        return self.place / name

    def check_tags(self, run, wanted):
        file, = files_of(run)
        found, wall = {}, 0
        for time_of, step, values, _ in events.read(file):
            self.assertGreaterEqual(time_of, wall)
            wall = time_of
            for tag, value in values.items():
                found.setdefault(tag, []).append((step, value))
        self.assertEqual(wanted - set(found), set())
        for tag, points in found.items():
            # several environments may end an episode at one step
            steps = [step for step, _ in points]
            self.assertEqual(steps, sorted(steps), tag)
            self.assertTrue(all(math.isfinite(value) for _, value in points),
                            tag)
        with open(run / "metrics.csv", newline="") as table:
            for row in csv.DictReader(table):
                step, size = int(row["env_step"]), row["charts_replay_size"]
                self.assertIn((step, float(size)), found["charts/replay_size"])
        return found

    def test_sac_has_every_tag(self):
        found = self.check_tags(self.train("sac"), TAGS)
        self.assertEqual([step for step, _ in found["eval/length"]],
                         [500, 1000])

    def test_flame_r_has_every_tag(self):
        self.check_tags(self.train("flame-r", "--set", "proposals=8"),
                        TAGS | FLOW)

    def test_flame_m_has_every_tag(self):
        self.check_tags(self.train("flame-m", "--set", "proposals=8"),
                        TAGS | FLOW | {"losses/tangent_norm"})

    @unittest.skipIf(event_accumulator is None, "no TensorBoard")
    def test_tensorboard_reads_the_same(self):
        run = self.train("sac")
        own = self.check_tags(run, TAGS)
        theirs = self.accumulate(run)
        self.assertEqual(set(theirs.Tags()["scalars"]), set(own))
        for tag, points in own.items():
            self.assertEqual([(one.step, one.value)
                              for one in theirs.Scalars(tag)], points)
        texts = theirs.Tags()["tensors"]
        self.assertIn("hyperparameters/text_summary", texts)
        text = theirs.Tensors("hyperparameters/text_summary")[0]
        self.assertIn(b"|batch|16|", text.tensor_proto.string_val[0])
        self.assertIn("manifest/text_summary", texts)

    @staticmethod
    def accumulate(run):
        found = event_accumulator.EventAccumulator(
            str(run), size_guidance={event_accumulator.SCALARS: 0})
        found.Reload()
        return found

    def killed_and_resumed(self):
        run = self.place / "killed"
        words = ["train", "--artifact", self.artifact, *RUN, "--set",
                 "num_envs=4", "--set", "eval.num_envs=2", "--out", self.place,
                 "--name", "killed"]
        first = subprocess.Popen([cli.PROGRAM, *map(str, words),
                                  "--total-timesteps", "100000000"])
        end = time.monotonic() + 60
        while not (run / "checkpoints/000001200").exists():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.001)
        first.kill()
        first.wait()
        self.succeed("train", "--resume", run, "-q", "--total-timesteps",
                     "20000")
        with open(run / "metrics.csv", newline="") as table:
            return run, [int(row["env_step"]) for row in csv.DictReader(table)]

    def test_a_resumed_run_says_where_it_began_again(self):
        run, steps = self.killed_and_resumed()
        self.assertEqual(steps, list(range(100, 20001, 100)))
        before, after = files_of(run)
        kept = list(events.read(after))
        self.assertEqual([one[3] for one in kept[:3]], [False, True, False])
        again = kept[1][1]
        # what the first life wrote from there on is void
        alive = [step for _, step, values, _ in events.read(before)
                 if "charts/SPS" in values and step < again]
        alive += [step for _, step, values, _ in kept if "charts/SPS" in values]
        self.assertEqual(alive, steps)
        if event_accumulator:
            found = [one.step for one in
                     self.accumulate(run).Scalars("charts/SPS")]
            self.assertEqual(found, steps)


if __name__ == "__main__":
    unittest.main()
