#!/usr/bin/env python3
"""Writes what Gymnasium's own environments do, for tests without Python.

Usage: make_trajectories.py ID...        (with third_party/python on PYTHONPATH)

For each id one file ID.json beside this script: starts A and B, actions in
float64 and rounded to float32, 20 steps without reset. Start A is qpos0 at
rest; start B adds .005 sin(k + 1) to qpos[k] and .005 cos(k + 1) to qvel[k].
Action i has the numbers clip(.4 sin(.3 i + j), range).
"""

import json
import os
import pathlib
import sys
import tempfile
import warnings

HERE = pathlib.Path(__file__).resolve().parent
warnings.filterwarnings("ignore")
os.chdir(tempfile.mkdtemp())  # MuJoCo writes its log into the working directory

import gymnasium  # noqa: E402
import mujoco  # noqa: E402
import numpy as np  # noqa: E402

STEPS = 20


def start(model, kind):
    qpos, qvel = model.qpos0.copy(), np.zeros(model.nv)
    if kind == "B":
        qpos += .005 * np.sin(np.arange(model.nq) + 1.)
        qvel += .005 * np.cos(np.arange(model.nv) + 1.)
    return qpos, qvel


def actions(space, dtype):
    i = np.arange(STEPS, dtype=np.float64)[:, None]
    j = np.arange(space.shape[0], dtype=np.float64)[None, :]
    raw = np.clip(.4 * np.sin(.3 * i + j), space.low.astype(np.float64),
                  space.high.astype(np.float64))
    return raw.astype(dtype)


def trajectory(env, kind, dtype):
    task = env.unwrapped
    env.reset(seed=0)
    mujoco.mj_resetData(task.model, task.data)
    qpos, qvel = start(task.model, kind)
    task.set_state(qpos, qvel)
    rows = []
    applied = actions(env.action_space, dtype)
    for action in applied:
        obs, reward, terminated, _, _ = task.step(action)
        rows.append((obs.tolist(), float(reward), bool(terminated)))
    obs, reward, terminated = map(list, zip(*rows))
    return {"start": kind, "dtype": np.dtype(dtype).name,
            "qpos": qpos.tolist(), "qvel": qvel.tolist(),
            "actions": applied.astype(np.float64).tolist(),
            "obs": obs, "reward": reward, "terminated": terminated}


def main():
    for name in sys.argv[1:]:
        env = gymnasium.make(name)
        content = {
            "versions": {"mujoco": mujoco.__version__,
                         "gymnasium": gymnasium.__version__,
                         "numpy": np.__version__},
            "trajectories": [trajectory(env, kind, dtype) for kind in "AB"
                             for dtype in (np.float64, np.float32)]}
        text = json.dumps(content, separators=(",", ":"))
        # one line per trajectory
        text = text.replace('{"start"', '\n{"start"')
        (HERE / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
