"""SAC on HalfCheetah-v5 as a library trains it: time per environment step.

One environment, one update per step, 2x256 ReLU; steps before learning do not
count. Prints the line of timing.report, in microseconds per step.
"""

import json
import time

import timing

LEARNING_STARTS = 1000
WINDOW = 500

options = timing.parse(__doc__, lambda parser: parser.add_argument(
    "--framework", choices=["sb3", "sbx"], default="sb3"))

try:
    if options.framework == "sb3":
        import stable_baselines3 as library
        import torch
        torch.set_num_threads(options.threads)
        name = "SB3"
    else:
        timing.jax()
        import sbx as library
        name = "SBX"
    from stable_baselines3.common.callbacks import BaseCallback
except ImportError as error:
    raise SystemExit(str(error))


class Windows(BaseCallback):
    """Ends the run when enough windows of steps have been timed."""

    def __init__(self):
        super().__init__()
        self.times = []
        self.last = None

    def _on_step(self):
        step = self.num_timesteps
        if step < LEARNING_STARTS + WINDOW or step % WINDOW:
            return True
        now = time.perf_counter()
        if self.last is not None:
            self.times.append((now - self.last) / WINDOW)
        self.last = now
        return len(self.times) < 3 or sum(self.times) * WINDOW < options.seconds


windows = Windows()
arguments = {"learning_starts": LEARNING_STARTS, "batch_size": options.batch,
             "seed": 1, "verbose": 0}
if options.framework == "sb3":
    arguments["device"] = "cpu"
model = library.SAC("MlpPolicy", "HalfCheetah-v5", **arguments)
model.learn(10_000_000, callback=windows)
times = sorted(windows.times)
print(json.dumps({"peer": f"{name} {library.__version__}",
                  "median_us": 1e6 * times[len(times) // 2],
                  "min_us": 1e6 * times[0], "max_us": 1e6 * times[-1]}))
