"""Holds `phlox env replay` against Gymnasium itself, step by step.

Usage: gymnasium_parity.py PROGRAM PYTHON_PACKAGES ID...

1,000 random actions, which leave the range by up to 20 %, from random states;
observations and rewards agree to 1e-12, terminations exactly. Exits with 77,
which CTest shows as skipped, where the Python packages are missing.
"""

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
SKIPPED, STEPS, STARTS, TOLERANCE = 77, 1000, 2, 1e-12
sys.path.insert(0, str(PACKAGES))
warnings.filterwarnings("ignore")

try:
    import gymnasium
    import mujoco
    import numpy as np
except ImportError as error:
    print(f"skipped: {error}; cmake/fetch_assets.sh installs it")
    sys.exit(SKIPPED)


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


def gymnasium_run(name, seed):
    """Returns start, actions and results of Gymnasium."""
    task = gymnasium.make(name).unwrapped
    random = np.random.default_rng(seed)
    task.reset(seed=seed)
    qpos, qvel = task.data.qpos.copy(), task.data.qvel.copy()
    mujoco.mj_resetData(task.model, task.data)
    task.set_state(qpos, qvel)
    low, high = task.model.actuator_ctrlrange.T
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


def compare(name, seed, folder):
    """Returns the largest difference, infinity for another shape or end."""
    inputs, wanted = gymnasium_run(name, seed)
    write(folder / "in.safetensors", inputs)
    subprocess.run([PROGRAM, "env", "replay", name, "--in",
                    folder / "in.safetensors", "--out",
                    folder / "out.safetensors"], check=True, timeout=60)
    got = read(folder / "out.safetensors")
    if any(got[key].shape != wanted[key].shape for key in wanted) or \
            not np.array_equal(got["terminated"], wanted["terminated"]):
        return np.inf
    return max(float(np.abs(got[key] - wanted[key]).max())
               for key in ("obs", "reward"))


def main():
    if not PROGRAM.is_file() or not IDS:
        sys.exit(f"a program and ids are required: got {sys.argv[1:]}")
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # MuJoCo's Python module writes its log here
        for name in IDS:
            for seed in range(STARTS):
                difference = compare(name, seed, pathlib.Path(folder))
                print(f"{name}, seed {seed}: largest difference {difference}")
                # a NaN is a failure too
                worst = difference if not difference <= worst else worst
    sys.exit(0 if worst <= TOLERANCE else f"must be <= {TOLERANCE}: got {worst}")


if __name__ == "__main__":
    main()
