"""FrankaKitchen-v1 of Gymnasium-Robotics, in the form of Gymnasium's tasks.

Without noise, since a replay has none; the observation is the part that a
policy sees.
"""

import contextlib
import inspect
import io

import mujoco
import numpy as np
from gymnasium.spaces import Box

with contextlib.redirect_stdout(io.StringIO()), \
        contextlib.redirect_stderr(io.StringIO()):
    import gymnasium_robotics.envs.franka_kitchen.franka_env as franka
    from gymnasium_robotics.envs.franka_kitchen import kitchen_env

NAME = "FrankaKitchen-v1"


def robot_state(model, data, names):
    """Returns the arm's joints; the package's own fails with MuJoCo 4."""
    arm = [model.joint(name) for name in names if name.startswith("robot")]
    return (np.array([data.qpos[joint.qposadr[0]] for joint in arm]),
            np.array([data.qvel[joint.dofadr[0]] for joint in arm]))


franka.robot_get_obs = robot_state


def defaults():
    """Returns the keyword arguments of the task and their values."""
    found = {}
    for owner, keys in ((kitchen_env.KitchenEnv, None),
                        (franka.FrankaRobot, ["robot_noise_ratio"])):
        for key, row in inspect.signature(owner.__init__).parameters.items():
            if row.default is not inspect.Parameter.empty and \
                    (keys is None or key in keys):
                found[key] = row.default
    return found


class Kitchen:
    def __init__(self, **kwargs):
        self.env = kitchen_env.KitchenEnv(**{
            **kwargs, "robot_noise_ratio": 0.0, "object_noise_ratio": 0.0})
        self.model, self.data = self.env.model, self.env.data
        self.init_qpos = self.env.robot_env.init_qpos.copy()
        self.action_space = Box(-1, 1, (9,), np.float64)
        self.observation_space = Box(-np.inf, np.inf, (59,))
        self.unwrapped = self

    def reset(self, seed):
        """Starts from rest, with some of the tasks at their goals."""
        self.env.reset(seed=seed)
        random = np.random.default_rng(seed)
        qpos, qvel = self.init_qpos.copy(), random.normal(0, 0.05, 29)
        for task, places in kitchen_env.OBS_ELEMENT_INDICES.items():
            if task != "kettle" and random.random() < 0.5:
                goal = kitchen_env.OBS_ELEMENT_GOALS[task]
                qpos[places] = goal + random.uniform(-0.1, 0.1, len(places))
        self.set_state(qpos, qvel)

    def set_state(self, qpos, qvel):
        mujoco.mj_resetData(self.model, self.data)
        self.env.robot_env.set_state(qpos, qvel)
        self.env.tasks_to_complete = set(self.env.goal)
        self.env.episode_task_completions.clear()
        self._get_obs()

    def _get_obs(self):
        """Returns what is seen, and keeps where the arm seems to be."""
        robot = self.env.robot_env._get_obs()
        return self.env._get_obs(robot)["observation"]

    def step(self, action):
        obs, reward, terminated, truncated, info = self.env.step(action)
        return obs["observation"], reward, terminated, truncated, info
