"""What the tests of the report share: run folders, and reading a page."""

import html.parser
import json
import pathlib
import shutil
import statistics
import tempfile
import unittest

import cli

EVAL = "env_step,update,wall_s,mean,sd,min,max,iqm,length,returns"
METRICS = "env_step,update,wall_s,charts_SPS_window,losses_qf_loss,losses_alpha"
EPISODES = "env_step,env,return,length,terminated,truncated,wall_s"
VOID = {"meta", "br"}


def summary(values):
    ranked, cut = sorted(values), len(values) // 4
    return (statistics.fmean(values), statistics.stdev(values), ranked[0],
            ranked[-1], statistics.fmean(ranked[cut:len(ranked) - cut]))


def make_run(parent, name, seed=1, evaluations=4, ended=True, rate="0.001",
             env="lqr", bias=0.0, tells=False):
    """Writes a run folder like a trainer's, with numbers of many digits."""
    run = pathlib.Path(parent) / name
    run.mkdir(parents=True)
    (run / "config.toml").write_text(
        f'algorithm = "sac"  # ALGO\nenv.id = "{env}"\nseed = {seed}\n'
        f"threads = {seed}\nactor.lr = {rate}\nactor.hidden = [8, 8]\n")
    metrics, episodes, evals = [METRICS], [EPISODES], [EVAL]
    if tells:  # what the reward is made of, and how far the task was fulfilled
        episodes[0] += ",reward_forward,reward_ctrl"
        evals[0] += ",success"
    for i in range(1, 9):
        loss = "" if i < 3 else repr(1 / (i + seed))
        metrics.append(f"{i * 100},{i * 90},{i / 3:.3f},{300 / seed!r},{loss},"
                       f"{0.5 ** i!r}")
        episodes.append(f"{i * 100},0,{-100 / (i + seed)!r},100,0,1,{i / 3:.3f}"
                        + (f",{i * seed},{-i / 8!r}" if tells else ""))
    returns = []
    for i in range(1, evaluations + 1):
        returns = [bias - 100 / (i + seed) + k / 7 for k in range(5)]
        numbers = ",".join(map(repr, summary(returns)))
        evals.append(f"{i * 200},{i * 180},{i / 3:.3f},{numbers},100,"
                     + " ".join(map(repr, returns))
                     + (f",{i / 16!r}" if tells else ""))
    for file, lines in (("metrics", metrics), ("episodes", episodes),
                        ("eval", evals)):
        (run / f"{file}.csv").write_text("\n".join(lines) + "\n")
    manifest = {"phlox": "0.1.0", "artifact_hash": "ab" * 32, "host": "h<b>",
                "end": "2026-11-21T10:00:00Z" if ended else None,
                "exit_reason": "finished"}
    (run / "manifest.json").write_text(json.dumps(manifest))
    if ended and returns:
        mean, sd, low, high, iqm = summary(returns)
        final = {"step": 800, "mean": mean, "sd": sd, "iqm": iqm, "min": low,
                 "max": high, "episodes": 5, "returns": returns}
        if tells:
            final["success"] = 0.8125
        (run / "result.json").write_text(json.dumps({"final": final}))
    return run


class Page(html.parser.HTMLParser):
    """Tags must close in order; scripts of data are kept."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.charts, self.data, self.cells = [], [], None, []
        self.addresses = []
        self.feed(text)
        assert not self.stack, self.stack

    def handle_starttag(self, tag, attributes):
        self.addresses += [v for k, v in attributes if k in ("src", "href")]
        if tag not in VOID:
            self.stack.append((tag, dict(attributes)))

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        opened = self.stack.pop()
        assert opened[0] == tag, (opened, tag)

    def handle_data(self, text):
        tag, attributes = self.stack[-1] if self.stack else ("", {})
        if tag == "script" and attributes.get("id") == "data":
            self.data = json.loads(text)
        elif tag == "script" and attributes.get("type"):
            self.charts.append(json.loads(text))
        elif "td" in [name for name, _ in self.stack]:
            self.cells.append(text)


class ReportCase(unittest.TestCase):
    """A folder of its own, and the verb."""

    def setUp(self):
        self.place = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.place)
        self.out = self.place / "page.html"

    def report(self, *runs):
        """Returns the page and the notes on stderr, artifacts' aside."""
        result = cli.phlox("report", *runs, "-o", self.out)
        self.assertEqual(result.returncode, 0, result.stderr)
        notes = [line for line in result.stderr.splitlines()
                 if "artifact.so" not in line]
        for note in notes:
            self.assertRegex(note, r"\Aphlox: .+(must|should|cannot) .+: .+\Z")
        self.text = self.out.read_text()
        return Page(self.text), notes

    def refuse(self, status, text, *words):
        result = cli.phlox("report", *words)
        self.assertEqual((result.returncode, result.stdout), (status, ""))
        self.assertRegex(result.stderr, r"\Aphlox: [^\n]+\n\Z")
        self.assertRegex(result.stderr, text)
