"""Holds `phlox envs` and `phlox env replay` against Gymnasium itself.

Usage: gymnasium_parity.py PROGRAM PYTHON_PACKAGES ID...

For each task: its sizes, limits and keyword arguments; then 1,000 random
actions, which leave the range by up to 20 %, from random states, from qpos0 at
rest, and with other keyword arguments: observations and rewards agree to 1e-12,
terminations exactly. Ends with a table, one row per task. Exits with 77, which CTest shows as skipped, where the
Python packages are missing.
"""

import inspect
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import warnings

PROGRAM, PACKAGES = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
IDS = sys.argv[3:]
SKIPPED, STEPS, TOLERANCE = 77, 1000, 1e-12
# what Gymnasium takes for drawing alone
DRAWING = {"default_camera_config"}
# what no step shows: the reset's noise, a limit that its wrapper has
UNSEEN = {"max_episode_steps", "reset_noise_scale", "object_noise_ratio",
          "robot_noise_ratio"}
KITCHEN = "FrankaKitchen-v1"
sys.path.insert(0, str(PACKAGES))
warnings.filterwarnings("ignore")

try:
    import gymnasium
    import mujoco
    import numpy as np
    if KITCHEN in IDS:
        import gymnasium_kitchen as kitchen
except ImportError as error:
    print(f"skipped: {error}; cmake/fetch_assets.sh installs it")
    sys.exit(SKIPPED)

from gymnasium_variants import VARIANTS, for_gymnasium


def make(name, **kwargs):
    if name == KITCHEN:
        return kitchen.Kitchen(**kwargs)
    return gymnasium.make(name, **kwargs)


def write(path, tensors):
    """Writes float64 arrays as safetensors."""
    header, data = {}, b""
    for name, array in tensors.items():
        raw = np.ascontiguousarray(array, "<f8").tobytes()
        header[name] = {"dtype": "F64", "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read(path):
    raw = path.read_bytes()
    size, = struct.unpack_from("<Q", raw)
    types = {"F64": "<f8", "BOOL": "?"}
    tensors = {}
    for name, entry in json.loads(raw[8:8 + size]).items():
        if name != "__metadata__":
            low, high = entry["data_offsets"]
            tensors[name] = np.frombuffer(
                raw[8 + size:][low:high],
                types[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def described(name):
    """Returns what `phlox envs --json` says of a task."""
    listed = subprocess.run([PROGRAM, "envs", "--json"], check=True, timeout=60,
                            capture_output=True, text=True).stdout
    return {task["id"]: task for task in json.loads(listed)}[name]


def keyword_arguments(name, env):
    """Returns the keyword arguments that Gymnasium has, with its defaults."""
    if name == KITCHEN:
        return kitchen.defaults()
    signature = inspect.signature(type(env.unwrapped).__init__).parameters
    kwargs = {key: parameter.default for key, parameter in signature.items()
              if parameter.default is not inspect.Parameter.empty}
    for key in DRAWING:
        kwargs.pop(key)
    return kwargs


def check_description(name):
    """Compares sizes, limits and keyword arguments; returns what differs."""
    got, env = described(name), make(name)
    space = env.action_space
    kwargs = keyword_arguments(name, env)
    limit = 280 if name == KITCHEN else env.spec.max_episode_steps
    kwargs["max_episode_steps"] = limit
    wanted = {"obs_size": env.observation_space.shape[0],
              "action_size": space.shape[0],
              "max_episode_steps": limit}
    wrong = [f"{key} {got[key]}" for key in wanted if got[key] != wanted[key]]
    for key, bound in ("action_low", space.low), ("action_high", space.high):
        if not np.array_equal(np.float32(got[key]), bound):
            wrong.append(f"{key} {got[key]}")
    if for_gymnasium(got["kwargs"]) != kwargs:
        wrong.append(f"keyword arguments {got['kwargs']}")
    varied = {key for variant in VARIANTS[name] for key in variant}
    unseen = set(kwargs) - varied - UNSEEN - {"xml_file"}
    return wrong + [f"no variant with {key}" for key in sorted(unseen)]


def start(task, seed):
    """Returns the state of a reset, or qpos0 at rest if there is no seed."""
    if seed is None and hasattr(task, "env"):
        return task.init_qpos.copy(), np.zeros(task.model.nv)
    if seed is None:
        return task.model.qpos0.copy(), np.zeros(task.model.nv)
    task.reset(seed=seed)
    return task.data.qpos.copy(), task.data.qvel.copy()


def gymnasium_run(name, seed, kwargs):
    """Returns start, actions and results of Gymnasium."""
    task = make(name, **for_gymnasium(kwargs)).unwrapped
    random = np.random.default_rng(0 if seed is None else seed)
    qpos, qvel = start(task, seed)
    mujoco.mj_resetData(task.model, task.data)
    task.set_state(qpos, qvel)
    low, high = task.model.actuator_ctrlrange.T
    if name == KITCHEN:
        low, high = task.action_space.low, task.action_space.high
    middle, reach = (low + high) / 2, (high - low) / 2
    actions = middle + 1.2 * reach * random.uniform(-1, 1, (STEPS, len(low)))
    obs, reward, terminated = [], [], []
    for action in actions:
        seen, paid, ended, _, _ = task.step(action)
        obs.append(seen)
        reward.append(paid)
        terminated.append(ended)
    return ({"qpos": qpos, "qvel": qvel, "actions": actions},
            {"obs": np.array(obs), "reward": np.array(reward),
             "terminated": np.array(terminated, bool)})


def compare(name, seed, kwargs, folder):
    """Returns the largest differences: of observations, of rewards, of ends."""
    inputs, wanted = gymnasium_run(name, seed, kwargs)
    settings = [part for key, value in kwargs.items()
                for part in ("--set", f"env.{key}={json.dumps(value)}")]
    write(folder / "in.safetensors", inputs)
    subprocess.run([PROGRAM, "env", "replay", name, "--in",
                    folder / "in.safetensors", "--out",
                    folder / "out.safetensors", *settings], check=True,
                   timeout=60)
    got = read(folder / "out.safetensors")
    if any(got[key].shape != wanted[key].shape for key in wanted):
        return np.full(3, np.inf)
    return np.array([np.abs(got[key].astype(float) - wanted[key]).max()
                     for key in ("obs", "reward", "terminated")])


def main():
    if not PROGRAM.is_file() or not IDS:
        sys.exit(f"a program and ids are required: got {sys.argv[1:]}")
    table = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # MuJoCo's Python module writes its log here
        for name in IDS:
            if wrong := check_description(name):
                sys.exit(f"{name}: must be as in Gymnasium: got "
                         + "; ".join(wrong))
            runs = [(0, {}), (1, {}), (None, {})]
            runs += [(2, kwargs) for kwargs in VARIANTS[name]]
            for seed, kwargs in runs:
                difference = compare(name, seed, kwargs, pathlib.Path(folder))
                print(f"{name}, start {'at rest' if seed is None else seed}, "
                      f"{kwargs}: largest differences {difference}", flush=True)
                runs_of, worst = table.get(name, (0, np.zeros(3)))
                table[name] = runs_of + 1, np.maximum(worst, difference)
    print(f"\nLargest differences from Gymnasium {gymnasium.__version__} with "
          f"MuJoCo {mujoco.__version__}, {STEPS} random actions a run:\n\n"
          "| task | runs | observations | rewards | terminations |\n"
          "|---|---|---|---|---|")
    for name, (runs, worst) in table.items():
        print(f"| {name} | {runs} | {worst[0]:.1e} | {worst[1]:.1e} | "
              f"{'equal' if worst[2] == 0 else 'different'} |")
    # a NaN is a failure too
    wrong = [name for name, (_, worst) in table.items()
             if not (worst <= [TOLERANCE, TOLERANCE, 0]).all()]
    sys.exit(f"differences must be <= {TOLERANCE}: got {wrong}" if wrong else 0)


if __name__ == "__main__":
    main()
