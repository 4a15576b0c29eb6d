"""Environment steps of EnvPool, or of Gymnasium's vectors, in bursts.

Prints who it is when the environments stand; then, for each number of seconds
on a line of stdin, how many steps it made in about that time: transitions, so
that the calls in which an ended environment only starts again do not count.
Random actions out of a table, in the task's range.
"""

import argparse
import json
import os
import sys
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--framework", required=True,
                    choices=["envpool", "gymnasium"])
parser.add_argument("--task", required=True)
parser.add_argument("--num-envs", type=int, default=1)
parser.add_argument("--threads", type=int, default=1)
options = parser.parse_args()
place = tempfile.TemporaryDirectory()  # MuJoCo writes its log here
os.chdir(place.name)

try:
    import numpy as np
    if options.framework == "envpool":
        import envpool
    else:
        import gymnasium
except (ImportError, OSError) as error:  # some files of it may be missing
    sys.exit(str(error))

if options.framework == "envpool":
    peer = f"envpool {envpool.__version__}"
    env = envpool.make(options.task, env_type="gymnasium",
                       num_envs=options.num_envs, num_threads=options.threads)
    space = env.action_space
else:
    peer = f"gymnasium {gymnasium.__version__}"
    env = gymnasium.vector.SyncVectorEnv(
        [lambda: gymnasium.make(options.task)] * options.num_envs)
    space = env.single_action_space

random = np.random.default_rng(0)
actions = random.uniform(space.low, space.high,
                         (256, options.num_envs, *space.shape))
actions = actions.astype(space.dtype)
env.reset()
resetting = np.zeros(options.num_envs, bool)
turn = 0


def burst(seconds):
    """Returns transitions and the seconds that they took."""
    global resetting, turn
    made, start = 0, time.perf_counter()
    while (taken := time.perf_counter() - start) < seconds:
        _, _, terminated, truncated, _ = env.step(actions[turn % len(actions)])
        made += options.num_envs - int(resetting.sum())
        resetting = terminated | truncated
        turn += 1
    return made, taken


burst(0.1)
print(json.dumps({"peer": peer}), flush=True)
for line in sys.stdin:
    steps, taken = burst(float(line))
    print(json.dumps({"steps": steps, "seconds": taken}), flush=True)
