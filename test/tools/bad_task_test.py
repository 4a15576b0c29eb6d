"""Tasks that do not load, or break while they are trained on.

Usage: bad_task_test.py PROGRAM
"""

import csv
import json
import unittest

from cli import TINY, CliTest, phlox

BODY = """<worldbody><body><joint name="rail" type="slide" axis="1 0 0"/>
<geom size="0.1"/></body></worldbody>"""
# an acceleration beyond 1e10 within the first steps
BREAKING = f"""<mujoco>{BODY}
<actuator><motor joint="rail" gear="1e12" ctrlrange="-1 1"/></actuator>
</mujoco>"""


class BadTaskTest(CliTest):
    def model(self, text):
        (self.place / "model.xml").write_text(text)
        return ["train", "sac", "--env", "HalfCheetah-v5", *TINY, "--set",
                "env.xml_file=./model.xml", "--out", self.place / "runs",
                "--total-timesteps", 400, "--set", "learning_starts=100",
                "--set", "log.every=100", "--quiet"]

    def refuse(self, status, text, *words):
        self.fail_with(status, text, *words, cwd=self.place)
        self.assertFalse((self.place / "runs").exists())

    def test_models_that_do_not_load(self):
        train = self.model("<mujoco>\n<worldbody>\n<bdoy/>\n</worldbody></mujoco>")
        self.refuse(1, r"\./model\.xml: model must load: got .*bdoy.*line 3",
                    *train)
        self.refuse(1, r"\./model\.xml: model must load: got .*",
                    *self.model("no markup"))
        self.refuse(1, "at least one actuator is required: got none",
                    *self.model(f"<mujoco>{BODY}</mujoco>"))
        free = BREAKING.replace('ctrlrange="-1 1"', 'name="pull"')
        self.refuse(1, "actuator 0 'pull' must have a finite control range",
                    *self.model(free))
        (self.place / "model.xml").unlink()
        self.refuse(1, r"model file must exist: got '\./model\.xml'", *train)

    def test_wrong_keyword_arguments(self):
        train = self.model(BREAKING)
        self.refuse(2, "keyword argument must be one of ctrl_cost_weight, .*: "
                       "got 'frame_skp'", *train, "--set", "env.frame_skp=2")
        self.refuse(2, "'frame_skip' must be an integer: got \"two\"", *train,
                    "--set", "env.frame_skip=\"two\"")

    def test_broken_states_are_counted_and_shown(self):
        result = phlox(*self.model(BREAKING), cwd=self.place)
        self.assertEqual(result.returncode, 0, result.stderr)
        run, = (self.place / "runs").iterdir()
        with open(run / "metrics.csv", newline="") as file:
            counts = [float(row["charts_sim_warnings"])
                      for row in csv.DictReader(file)
                      if row.get("charts_sim_warnings")]
        self.assertGreater(counts[-1], 0)
        self.assertEqual(counts, sorted(counts))
        # said once as a warning, in quiet mode too
        said = (r"\d+ environment steps? gave numbers that were not finite or "
                r"beyond float32: each [^\n]* ends its episode[^\n]*\n")
        self.assertRegex(result.stderr, rf"\Aphlox: {said}")
        self.assertRegex(result.stderr,
                         rf"phlox: in the final evaluation: {said}\Z")
        final = json.loads((run / "result.json").read_text())["final"]
        self.assertGreater(final["sim_warnings"], 0)
        result = phlox("eval", run, "--episodes", 2, cwd=self.place)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, rf"\Aphlox: {said}\Z")
        self.assertFalse((self.place / "MUJOCO_LOG.TXT").exists())


if __name__ == "__main__":
    unittest.main()
