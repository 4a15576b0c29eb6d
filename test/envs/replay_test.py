"""`phlox env replay` and `phlox envs`: inputs, outputs, exit status.

Usage: replay_test.py PROGRAM
"""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()


def phlox(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True,
                          timeout=30)


def safetensors(tensors, dtype="F64"):
    """Returns the bytes of a file of {name: (shape, numbers)}."""
    header, data = {}, b""
    for name, (shape, numbers) in tensors.items():
        raw = struct.pack(f"<{len(numbers)}{'d' if dtype == 'F64' else 'f'}",
                          *numbers)
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def tensors(path):
    raw = path.read_bytes()
    size, = struct.unpack_from("<Q", raw)
    result = {}
    for name, entry in json.loads(raw[8:8 + size]).items():
        if name != "__metadata__":
            low, high = (8 + size + offset for offset in entry["data_offsets"])
            form = {"F64": "d", "BOOL": "?"}[entry["dtype"]]
            count = (high - low) // struct.calcsize(form)
            result[name] = (entry["dtype"], entry["shape"],
                            list(struct.unpack(f"<{count}{form}", raw[low:high])))
    return result


class ReplayTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source = pathlib.Path(folder.name) / "in.safetensors"
        self.target = pathlib.Path(folder.name) / "out.safetensors"

    def replay(self, name, *more, **contents):
        if contents:
            self.source.write_bytes(safetensors(contents))
        return phlox("env", "replay", name, "--in", self.source, "--out",
                     self.target, *more)

    def assert_error(self, result, status, text):
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertRegex(result.stderr, rf"\Aphlox: [^\n]*{text}[^\n]*\n\Z")
        self.assertEqual(result.stdout, "")
        self.assertFalse(self.target.exists())

    def test_lqr_needs_no_velocities(self):
        result = self.replay("lqr", qpos=([1], [1.3]), actions=([2, 1], [-2.5, 7]))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        out = tensors(self.target)
        self.assertEqual(out["obs"][:2], ("F64", [2, 1]))
        self.assertAlmostEqual(out["obs"][2][1], 3.02325, 13)
        self.assertEqual(out["reward"][:2], ("F64", [2]))
        self.assertAlmostEqual(out["reward"][2][0], -3.565, 13)
        self.assertEqual(out["terminated"], ("BOOL", [2], [False, False]))
        result = self.replay("lqr", qpos=([1], [1.3]), qvel=([0], []),
                             actions=([1, 1], [0]))
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_settings_reach_the_task(self):
        result = self.replay("lqr", "--set", "env.A=2", "--set", "B=[[3]]",
                             qpos=([1], [1]), actions=([1, 1], [1]))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(tensors(self.target)["obs"][2], [5])

    def test_ranges_reach_the_task(self):
        state = {"qpos": ([6], [0, 1.25, 0, 0, 0, 0]), "qvel": ([6], [0] * 6),
                 "actions": ([1, 3], [0] * 3)}
        for high, ended in ("\"inf\"", False), ("1.1", True):
            result = self.replay("Hopper-v5", "--set",
                                 f"env.healthy_z_range=[1,{high}]", **state)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(tensors(self.target)["terminated"][2], [ended])
        self.target.unlink()
        self.assert_error(self.replay("Hopper-v5", "--set",
                                      "healthy_z_range=[2,1]", **state), 2,
                          r"must be a range \[low, high\]: got \[2,1\]")

    def test_no_steps_are_no_steps(self):
        result = self.replay("HalfCheetah-v5", qpos=([9], [0] * 9),
                             qvel=([9], [0] * 9), actions=([0, 6], []))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(tensors(self.target)["obs"], ("F64", [0, 17], []))

    def test_broken_states_are_told(self):
        result = self.replay("HalfCheetah-v5", qpos=([9], [0] * 9),
                             qvel=([9], [1e11] * 9), actions=([2, 6], [0] * 12))
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stderr, "broken state in 1 of 2 steps")

    def test_wrong_usage(self):
        self.assert_error(self.replay("Hopper-v9"), 2, "nearest known: ")
        self.assert_error(self.replay("lqr", "--set", "A"), 2, "KEY=VALUE")
        self.assert_error(self.replay("lqr", "--set", "Z=1"), 2, "one of A, B")
        self.assert_error(phlox("env", "replay", "lqr"), 2, "required")
        self.assert_error(phlox("env"), 2, "must be followed by replay")

    def test_wrong_inputs(self):
        state = {"qpos": ([9], [0] * 9), "qvel": ([9], [0] * 9)}
        wrong = [
            (dict(state), "'actions' is required: got none"),
            (dict(state, actions=([6], [0] * 6)), "rank 2: got f64 6"),
            (dict(state, actions=([1, 5], [0] * 5)), "steps x 6 .*: got 1x5"),
            (dict(state, qpos=([8], [0] * 8), actions=([1, 6], [0] * 6)),
             "qpos must have 9 numbers: got 8"),
        ]
        for contents, text in wrong:
            with self.subTest(text):
                self.assert_error(self.replay("HalfCheetah-v5", **contents), 1,
                                  text)
        self.source.write_bytes(safetensors({"qpos": ([1], [0])}, "F32"))
        self.assert_error(self.replay("lqr"), 1, "must be f64 of rank 1: got f32 1")
        self.source.write_bytes(b"no tensors")
        self.assert_error(self.replay("lqr"), 1, "in.safetensors")
        self.source.unlink()
        self.assert_error(self.replay("lqr"), 1, "in.safetensors")


class EnvsTest(unittest.TestCase):
    def test_lists(self):
        lines = phlox("envs").stdout.split()
        described = json.loads(phlox("envs", "--json").stdout)
        self.assertEqual(lines, [task["id"] for task in described])
        cheetah = described[lines.index("HalfCheetah-v5")]
        self.assertEqual((cheetah["obs_size"], cheetah["action_size"],
                          cheetah["max_episode_steps"]), (17, 6, 1000))
        self.assertEqual(cheetah["kwargs"]["frame_skip"], 5)
        for task in described:
            self.assertEqual(task["kwargs"].keys(), task["kwargs_help"].keys())


if __name__ == "__main__":
    unittest.main()
