#!/usr/bin/env python3
"""Writes what Gymnasium's own environments do, for tests without Python.

Usage: make_trajectories.py ID...        (with third_party/python on PYTHONPATH)

For each id one file ID.json beside this script: 20 steps without reset from
starts A and B, actions in float64 and rounded to float32, and in float64 from
start B with the keyword arguments of gymnasium_variants.py. Start A is qpos0 at
rest; start B adds .005 sin(k + 1) to qpos[k] and .005 cos(k + 1) to qvel[k],
except for what Pusher's reset sets. The kitchen starts from its own rest; its
start B has the microwave and the slide cabinet nearly where they shall be. Action i has the numbers
clip(.4 sin(.3 i + j), range).

Hopper and Walker2d in start A stand on joint limits, where any difference in
rounding flips a constraint: no numbers to store for other machines.
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
sys.path.insert(0, str(HERE.parent))
sys.dont_write_bytecode = True

import gymnasium  # noqa: E402
import gymnasium_kitchen as kitchen  # noqa: E402
import mujoco  # noqa: E402
import numpy as np  # noqa: E402
from gymnasium_variants import VARIANTS, for_gymnasium  # noqa: E402

STEPS = 20
ON_LIMITS = ("Hopper-v5", "Walker2d-v5")


def start(name, model, kind):
    qpos, qvel = model.qpos0.copy(), np.zeros(model.nv)
    if name == kitchen.NAME:
        qpos = kitchen.Kitchen().init_qpos
        if kind == "B":
            qpos[[19, 22]] = 0.3, -0.7
        return qpos, qvel
    if kind == "B":
        qpos += .005 * np.sin(np.arange(model.nq) + 1.)
        qvel += .005 * np.cos(np.arange(model.nv) + 1.)
        if name == "Pusher-v5":
            qpos[7:11] = (-.2, .1, 0, 0)
            qvel[7:11] = 0
    return qpos, qvel


def actions(space, dtype):
    i = np.arange(STEPS, dtype=np.float64)[:, None]
    j = np.arange(space.shape[0], dtype=np.float64)[None, :]
    raw = np.clip(.4 * np.sin(.3 * i + j), space.low.astype(np.float64),
                  space.high.astype(np.float64))
    return raw.astype(dtype)


def kept_steps(obs_size, dtype):
    """Returns the steps whose observations are worth their place."""
    if dtype == np.float32:
        return [STEPS - 1]
    return [0, STEPS - 1] if obs_size > 50 else [0, 4, 9, 14, STEPS - 1]


def trajectory(name, kind, dtype, kwargs):
    make = (kitchen.Kitchen if name == kitchen.NAME
            else lambda **given: gymnasium.make(name, **given))
    env = make(**for_gymnasium(kwargs))
    task = env.unwrapped
    env.reset(seed=0)
    mujoco.mj_resetData(task.model, task.data)
    qpos, qvel = start(name, task.model, kind)
    task.set_state(qpos, qvel)
    start_obs = task._get_obs()
    rows = []
    applied = actions(env.action_space, dtype)
    for action in applied:
        obs, reward, terminated, _, _ = task.step(action)
        rows.append((obs.tolist(), float(reward), bool(terminated)))
    obs, reward, terminated = map(list, zip(*rows))
    kept = kept_steps(len(obs[0]), dtype)
    return {"start": kind, "dtype": np.dtype(dtype).name, "kwargs": kwargs,
            "qpos": qpos.tolist(), "qvel": qvel.tolist(),
            "actions": applied.astype(np.float64).tolist(),
            "start_obs": start_obs.tolist(), "obs_steps": kept,
            "obs": [obs[step] for step in kept], "reward": reward,
            "terminated": [int(end) for end in terminated]}


def main():
    for name in sys.argv[1:]:
        starts = "B" if name in ON_LIMITS else "AB"
        starts = "A" if name == kitchen.NAME else starts
        content = {
            "versions": {"mujoco": mujoco.__version__,
                         "gymnasium": gymnasium.__version__,
                         "numpy": np.__version__},
            "trajectories": [trajectory(name, kind, dtype, {})
                             for kind in starts
                             for dtype in (np.float64, np.float32)] +
                            [trajectory(name, "B", np.float64, kwargs)
                             for kwargs in VARIANTS[name]]}
        text = json.dumps(content, separators=(",", ":"))
        # one line per trajectory; a zero is a zero
        text = text.replace('{"start":', '\n{"start":').replace("0.0,", "0,")
        (HERE / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
