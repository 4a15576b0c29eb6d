"""Train steps of the algorithms whose gradient runs through the sampler.

As make_train_steps.py, whose state, critics and optimiser these share:
  python make_path_gradient_steps.py [NAME]...
"""
import sys
import zlib

import jax
import jax.numpy as jnp
import numpy as np

import make_train_steps as steps
from make_train_steps import A, B, COMMON, Case, O, base_surprise, embed, mlp, names


def silu(x):
    return x * jax.nn.sigmoid(x)


def parts(leaves, *counts):
    """Splits a list of leaves."""
    out, at = [], 0
    for count in counts:
        out.append(leaves[at:at + count])
        at += count
    return out


def sac_flow():
    S, s0 = 3, 0.8
    c = COMMON | {"nfe": S, "base_std": s0, "actor.hidden": [8], "std.hidden": [7, 6],
                  "log_std_min": -3, "log_std_max": 0.5, "critic.activation": "relu",
                  "actor.activation": "silu"}
    actor = (names("actor/gate", O + A + 9, A, [8]) + names("actor/candidate", O + A + 9, A, [8])
             + names("actor/std", O, A, [7, 6]))
    case = Case(c, 0, 0, "", silu, jax.nn.relu, groups={"actor": actor})

    def follow(p, obs, x, noise):
        gate, candidate, std = parts(p, 4, 4, 6)
        deviation = jnp.exp(-3 + 1.75 * (jnp.tanh(mlp(std, obs, jax.nn.relu)) + 1))
        h = base_surprise(x, s0)
        for k in range(S):
            e = jnp.broadcast_to(embed(jnp.array([k / S])), (len(obs), 9))
            row = jnp.concatenate([obs, x, e], -1)
            v = jax.nn.sigmoid(mlp(gate, row, silu)) * (mlp(candidate, row, silu) - x)
            centre = x + v / S
            x = centre + deviation * noise[k]
            z = (x - centre) / deviation
            h = h + jnp.sum(z**2 / 2 + jnp.log(deviation) + jnp.log(2 * jnp.pi) / 2, -1)
        return jnp.tanh(x), h + jnp.sum(jnp.log(1 - jnp.tanh(x)**2), -1), deviation

    def noise(prefix):
        return (s0 * case.draw(prefix + "base", (B, A), "normal"),
                case.draw(prefix + "steps", (S, B, A), "normal"))

    a2, h2, _ = follow(case.group("actor"), case.b["next_obs"], *noise(""))
    now, critic, obs = noise("policy_"), case.group("critic"), case.b["obs"]

    def loss(p):
        a, h, _ = follow(p, obs, *now)
        return jnp.mean(-case.alpha() * h - case.q_min(critic, obs, a))

    deviation = follow(case.group("actor"), obs, *now)[2]
    case.finish("sac-flow", a2, h2, loss, {"losses/step_std": jnp.mean(deviation)})


CASES = {"sac-flow": sac_flow}
if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        steps.rng = np.random.default_rng(zlib.crc32(name.encode()))
        CASES[name]()
