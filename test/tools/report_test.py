"""phlox report: the page's numbers are the tables', damage gives one line each.

Usage: report_test.py PROGRAM
"""

import json
import re
import statistics
import unittest

from report_runs import ReportCase, make_run


class ReportTest(ReportCase):
    def test_numbers_are_those_of_the_tables(self):
        runs = [make_run(self.place, f"r{i}", seed=i) for i in (1, 2, 3)]
        page, notes = self.report(*runs)
        self.assertEqual(notes, [])
        for run, data in zip(runs, page.data, strict=True):
            header, *rows = (run / "eval.csv").read_text().splitlines()
            self.assertEqual((data["run"], data["header"], data["rows"]),
                             (run.name, header, rows))
        curves = page.charts[0]["series"]
        for run, curve in zip(runs, curves[:3], strict=True):
            rows = [line.split(",") for line in
                    (run / "eval.csv").read_text().splitlines()[1:]]
            self.assertEqual(curve["x"], [float(row[0]) for row in rows])
            self.assertEqual(curve["y"], [float(row[3]) for row in rows])
        # three runs: nothing is cut, so the line is their mean
        for i, middle in enumerate(curves[3]["y"]):
            self.assertAlmostEqual(
                middle, statistics.fmean(c["y"][i] for c in curves[:3]), 12)
            self.assertLessEqual(curves[3]["l"][i], middle)
            self.assertLessEqual(middle, curves[3]["h"][i])
        self.assertEqual(curves[3]["c"], [3] * 4)
        losses = [float(line.split(",")[4]) for line in
                  (runs[0] / "metrics.csv").read_text().splitlines()[3:]]
        self.assertIn(losses, [s["y"] for c in page.charts
                               for s in c["series"]])
        final = json.loads((runs[0] / "result.json").read_text())["final"]
        for key in ("mean", "sd", "iqm", "min", "max"):
            digits = f"{abs(final[key]):#.4g}"
            self.assertTrue(any(cell.startswith(("−" + digits, digits))
                                for cell in page.cells), (key, digits))

    def test_needs_nothing_from_elsewhere(self):
        page, _ = self.report(make_run(self.place, "r1"))
        self.assertEqual(page.addresses, [])
        rest = self.text.replace("http://www.w3.org/2000/svg", "")
        self.assertNotRegex(rest, r"(?i)https?:|@import|\burl\(['\"]?(?!#)|fetch\(")
        self.assertNotIn("h<b>", rest)

    def test_profile_is_the_share_of_returns_above(self):
        runs = [make_run(self.place, f"r{i}", seed=i) for i in (1, 2)]
        page, _ = self.report(*runs)
        all_returns = [value for run in runs for value in json.loads(
            (run / "result.json").read_text())["final"]["returns"]]
        profile = next(s for c in page.charts for s in c["series"]
                       if s["k"] == "steps")
        self.assertEqual(profile["x"][1:], sorted(set(all_returns)))
        for x, y in zip(profile["x"], profile["y"]):
            self.assertAlmostEqual(
                y, sum(value > x for value in all_returns) / 10, 12)
        self.assertNotIn("l", profile)

    def test_groups_by_configuration_apart_from_the_seed(self):
        for i in (1, 2, 3, 4):
            make_run(self.place / "runs", f"r{i}", seed=i,
                     rate="0.001" if i < 3 else "0.002")
        page, _ = self.report(self.place / "runs", self.place / "runs" / "r1")
        self.assertIn("4 runs in 2 groups", self.text)
        self.assertIn("actor.lr", page.cells)
        self.assertNotIn("actor.hidden", page.cells)

    def test_tasks_with_a_scale_are_aggregated(self):
        for env in ("HalfCheetah-v5", "Hopper-v5", "lqr"):
            for i in (1, 2, 3):
                make_run(self.place / "runs", f"{env}{i}", seed=i, env=env,
                         bias=3000)
        self.report(self.place / "runs")
        self.assertIn("Aggregates over tasks", self.text)
        self.assertIn("left out: lqr", self.text)
        self.assertIn("arXiv 2602.01606", self.text)

    def test_damage_is_one_line_and_the_rest_is_drawn(self):
        def spoil(name, file, change):
            path = make_run(self.place, name) / file
            path.write_text(change(path.read_text()))

        spoil("cut", "eval.csv", lambda t: t[:-30])
        spoil("bad", "metrics.csv", lambda t: t.replace("\n400,", "\nx,"))
        spoil("nan", "metrics.csv",
              lambda t: re.sub(r"(\n500,.*,)[^,]*\n", r"\1nan\n", t))
        spoil("head", "episodes.csv", lambda t: t[9:])
        spoil("json", "result.json", lambda t: t[:40])
        spoil("list", "manifest.json", lambda t: "[]")
        spoil("deep", "manifest.json", lambda t: t[:-1] + ', "as_published": '
              + "[" * 100_000 + "]" * 100_000 + "}")
        spoil("mean", "eval.csv", lambda t: t.replace("-49.7", "-48.7", 1))
        (make_run(self.place, "gone") / "metrics.csv").unlink()
        names = ["cut", "bad", "nan", "head", "json", "list", "deep", "mean",
                 "gone"]
        page, notes = self.report(*[self.place / name for name in names])
        self.assertEqual([len(d["rows"]) for d in page.data],
                         [3, 4, 4, 4, 4, 4, 4, 4, 4])
        for text in ("cut/eval.csv:5: a row must end with a line break",
                     r"bad/metrics.csv:5: 'env_step' must be a number: got 'x'; "
                     "3 whole rows",
                     "nan/metrics.csv: numbers must be finite: got 1",
                     "head/episodes.csv:1: the header must begin with",
                     "json/result.json: must be a JSON object: got text that",
                     "list/manifest.json: must be a JSON object: got array",
                     "deep/manifest.json: must be a JSON object: got text that "
                     "is not JSON or too deep",
                     "mean/eval.csv:2: the mean must be that of its 5 returns",
                     "gone/metrics.csv"):
            self.assertRegex("\n".join(notes), text)
        self.assertNotRegex(self.text, r'd="[^"]*nan')

    def test_runs_in_progress_and_of_any_length(self):
        for i, count in enumerate((0, 1, 2, 4)):
            make_run(self.place, f"r{count}", seed=i + 1, evaluations=count,
                     ended=count == 4)
        page, notes = self.report(*[self.place / f"r{n}" for n in (0, 1, 2, 4)])
        text = "\n".join(notes)
        for n in (0, 1, 2):
            self.assertIn(f"r{n}: a finished run's manifest must have an end",
                          text)
        self.assertIn("r0: a learning curve must have evaluations: got none",
                      text)
        self.assertIn("r1: a learning curve must have two evaluations: got one",
                      text)
        self.assertIn("every run should have a final evaluation: got 1 of 4",
                      self.text)
        self.assertEqual(page.charts[0]["series"][-2]["c"], [3, 2, 1, 1])
        # alone, without any evaluation: episodes and metrics are drawn
        page, _ = self.report(self.place / "r0")
        self.assertGreater(len(page.charts), 1)

    def test_fifty_runs_in_one_page(self):
        for i in range(50):
            make_run(self.place / "runs", f"r{i}", seed=i + 1,
                     rate=f"0.{i % 10 + 10}")
        page, _ = self.report(self.place / "runs")
        self.assertEqual(len(page.data), 50)
        self.assertIn("50 runs in 10 groups", self.text)

    def test_runs_of_sweeps_are_found_and_seeds_compared(self):
        for folder in ("runs", "runs/sweep/", "runs/sweep/b/"):
            make_run(self.place / folder, "r", seed=1)
        page, _ = self.report(self.place / "runs")
        self.assertEqual(len(page.data), 3)
        self.assertIn("every run should have a seed of its own: got 3 runs of "
                      "1 seed, which", self.text)

    def test_wrong_requests_write_nothing(self):
        run = make_run(self.place, "r1")
        (self.place / "empty").mkdir()
        self.refuse(2, "empty: must be a run folder.*got none",
                    self.place / "empty", "-o", self.out)
        self.refuse(2, "no such file or folder", run, self.place / "no", "-o",
                    self.out)
        self.refuse(2, "-o must name a file", run, "-o",
                    self.place / "no/a.html")
        self.refuse(2, r"-o: must name a file that ends in \.html: got '.*csv'",
                    run, "-o", run / "metrics.csv")
        self.refuse(2, "RUN", "-o", self.out)
        (run / "config.toml").write_text("seed = \n")
        self.refuse(1, "config.toml:1: must be TOML", run, "-o", self.out)
        (run / "config.toml").write_text("seed = 1\n")
        self.refuse(1, "must set 'algorithm': got none", run, "-o", self.out)
        self.refuse(1, "must set 'algorithm': got none", self.place, "-o",
                    self.out)
        self.assertFalse(self.out.exists())

    def test_one_unknown_run_does_not_cost_the_report_of_a_folder(self):
        make_run(self.place, "r1")
        (make_run(self.place, "r2") / "config.toml").write_text("seed = \n")
        _, notes = self.report(self.place)
        self.assertEqual(len(notes), 1)
        self.assertRegex(notes[0], "r2/config.toml:1: must be TOML: .*; the run "
                                   "is left out")
        self.assertIn("1 run in 1 group", self.text)

    def test_parts_of_rewards_and_success_are_drawn(self):
        runs = [make_run(self.place, f"r{i}", seed=i, tells=i < 3)
                for i in (1, 2, 3)]
        page, notes = self.report(*runs)
        self.assertEqual(notes, [])  # returns are found before the success too
        for title in ("lqr: success", "lqr: reward_forward", "lqr: reward_ctrl"):
            self.assertEqual(self.text.count(f"<b>{title}</b>"), 1)
        lines = [line for chart in page.charts for line in chart["series"]]
        self.assertIn([-i / 8 for i in range(1, 9)], [l["y"] for l in lines])
        self.assertIn([2 * i for i in range(1, 9)], [l["y"] for l in lines])
        success = [line for line in lines
                   if line["y"] == [1 / 16, 2 / 16, 3 / 16, 4 / 16, 0.8125]]
        self.assertEqual([line["x"][-1] for line in success], [800, 800])
        self.assertEqual(page.cells.count("0.8125"), 3)  # summary and two runs
        plain, _ = self.report(runs[2])
        self.assertNotIn("uccess", self.text.split("<script>")[0])
        self.assertNotIn("0.8125", plain.cells)

    def test_policies_that_act_otherwise_have_a_section(self):
        run = make_run(self.place, "r1")
        for particles, level in ((1, -9.0), (4, -3.0)):
            (run / f"eval-800-particles{particles}.json").write_text(json.dumps(
                {"nfe": 2, "particles": particles, "env_step": 800,
                 "sample_us": 1.5, "returns": [level, level - 1]}))
        (run / "eval-800-particles9.json").write_text('{"returns": []}')
        page, notes = self.report(run)
        self.assertEqual(len(notes), 1)
        self.assertIn("particles9.json: must hold env_step and returns",
                      notes[0])
        self.assertIn("network evaluations per action", self.text)
        line = next(one for chart in page.charts for one in chart["series"]
                    if one["x"] == [1, 2, 8])
        # the final evaluation: one network evaluation; the files: 2 and 8
        for got, wanted in zip(line["y"][1:], (-9.5, -3.5)):
            self.assertAlmostEqual(got, wanted)

    def test_where_episodes_go_is_a_map(self):
        run = make_run(self.place, "r1")
        ends = [[4.5, 0.5]] * 76 + [[-4, 1]] * 13 + [[0, 5]] * 11
        (run / "eval-800.json").write_text(json.dumps(
            {"env_step": 800, "returns": [1.0], "final_obs": ends,
             "first_actions": [[0, 1]] * 100}))
        # where nothing is left to see at the end, the actions: three ways
        (run / "eval-800-particles1.json").write_text(json.dumps(
            {"env_step": 800, "returns": [1.0], "final_obs": [[0]] * 3,
             "first_actions": [[0.6, 0], [0, -0.6], [0, 0.6]]}))
        page, notes = self.report(run)
        self.assertEqual(notes, [])
        self.assertIn("seed 1: 2 of 4 directions", self.text)
        self.assertRegex(self.text, "100 last observations of eval-800.json, "
                         r"±5\.1: right 76, up 11, left 13, down 0;")
        self.assertRegex(self.text, "3 first actions of eval-800-particles1"
                         r".json, .*: right 1, up 1, left 0, down 1;")
        # 3 cells of the first map and 3 of the second
        self.assertEqual(self.text.count("<rect x="), 6)
        (run / "eval-800.json").write_text(json.dumps(
            {"env_step": 800, "returns": [1.0], "final_obs": [["a", 2]]}))
        _, notes = self.report(run)
        self.assertIn("eval-800.json: must hold env_step and returns", notes[0])


if __name__ == "__main__":
    unittest.main()
