#!/usr/bin/env python3
"""Gives finished or running Phlox runs to Weights & Biases.

    pip install wandb
    import_run.py RUN_DIR... [--project phlox] [--offline] [--out DIR]

A run's configuration, tags, metrics, evaluations and final numbers become one
W&B run of the same name; env_step is the x-axis of everything. With --offline
nothing leaves the machine: `wandb sync DIR/wandb/offline-run-*` uploads it
later. The trainer itself knows nothing of W&B and opens no connection.
"""

import argparse
import csv
import json
import math
import pathlib
import tomllib


def flat(table, above=""):
    """Yields dotted keys and values of nested tables."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, f"{above}{key}.")
        else:
            yield above + key, value


def tag_of(column):
    """charts_SPS is TensorBoard's charts/SPS."""
    group, _, name = column.partition("_")
    return f"{group}/{name}"


def rows(path, columns):
    """Yields (env_step, {name: value}) for each row of a table."""
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            values = {}
            for column, name in columns(row).items():
                value = float(row[column]) if row[column] else math.nan
                if math.isfinite(value):
                    values[name] = value
            yield int(row["env_step"]), values


def points_of(folder):
    """Returns {env_step: values} of metrics.csv and eval.csv."""
    points = {}
    metrics = lambda row: {  # noqa: E731
        column: tag_of(column) for column in row
        if column.partition("_")[0] in ("charts", "losses", "time", "system")}
    evaluation = lambda row: {  # noqa: E731
        "mean": "eval/episodic_return", "sd": "eval/return_sd",
        "min": "eval/return_min", "max": "eval/return_max",
        "iqm": "eval/return_iqm", "length": "eval/length"}
    for name, columns in (("metrics.csv", metrics), ("eval.csv", evaluation)):
        for step, values in rows(folder / name, columns):
            points.setdefault(step, {}).update(values)
    return points


def give(folder, words):
    config = dict(flat(tomllib.loads((folder / "config.toml").read_text())))
    manifest = json.loads((folder / "manifest.json").read_text())
    import wandb  # --help needs none
    run = wandb.init(
        project=words.project, name=folder.resolve().name, dir=words.out,
        group=f"{config['env.id']}__{config['algorithm']}",
        tags=manifest.get("tags"), config={**config, "manifest": manifest},
        mode="offline" if words.offline else "online",
        settings=wandb.Settings(x_disable_stats=True, console="off"))
    run.define_metric("env_step")
    run.define_metric("*", step_metric="env_step")
    for step, values in sorted(points_of(folder).items()):
        run.log({"env_step": step, **values})
    result = folder / "result.json"
    if result.exists():
        final = json.loads(result.read_text()).get("final") or {}
        for key in ("mean", "sd", "iqm", "episodes"):
            if key in final:
                run.summary[f"final/{key}"] = final[key]
    run.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=pathlib.Path)
    parser.add_argument("--project", default="phlox")
    parser.add_argument("--offline", action="store_true")
    parser.add_argument("--out", help="where wandb/ is made [.]")
    words = parser.parse_args()
    for folder in words.runs:
        give(folder, words)


if __name__ == "__main__":
    main()
