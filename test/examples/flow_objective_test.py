"""The example flow-objective: an artifact with the contract's entry points.

Usage: flow_objective_test.py FLOW_OBJECTIVE PHLOX
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM, PHLOX = sys.argv[1:3]
del sys.argv[1:3]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


class FlowObjective(unittest.TestCase):

    def test_entry_points_and_one_action(self):
        with tempfile.TemporaryDirectory() as folder:
            artifact = pathlib.Path(folder) / "objective.so"
            made = run(PROGRAM, str(artifact), "3", "2")
            self.assertEqual(made.returncode, 0, made.stderr)
            found = json.loads(run(PHLOX, "inspect", str(artifact),
                                   "--json").stdout)
            entries = {entry["name"]: entry for entry in found["entries"]}
            self.assertLessEqual({"init", "train_step", "sample_1",
                                  "evaluate_10"}, set(entries))
            self.assertEqual(
                [(row["name"], row["shape"])
                 for row in entries["sample_1"]["outputs"]],
                [("action", [1, 2])])
            self.assertIn("actor/layer1/weight",
                          [leaf["name"] for leaf in found["state"]])

    def test_wrong_usage(self):
        for arguments in ([], ["x.so"], ["x.so", "0", "2"], ["x.so", "a", "b"]):
            refused = run(PROGRAM, *arguments)
            self.assertEqual(refused.returncode, 2)
            self.assertIn("usage: flow-objective", refused.stderr)

    def test_a_folder_that_is_not_there(self):
        refused = run(PROGRAM, "/nonexistent/x.so", "1", "1")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("/nonexistent", refused.stderr)


unittest.main()
