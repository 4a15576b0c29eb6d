"""One train step of each policy without a density, as make_train_steps.py does.

  python make_sampled_steps.py [NAME]...
"""
import sys
import zlib

import jax
import jax.numpy as jnp
import numpy as np

import make_train_steps as base
from make_train_steps import A, B, COMMON, K, O, mish, velocity_net, weight_metrics

SAMPLED = COMMON | {"proposals": K, "particles": 3, "alpha.floor": 1e-3, "entropy_std": 0.3,
                    "noise_scale": 0.2}
DENOISER = {"nfe": 4, "time_min": 0.02, "time_max": 0.97}


def levels(t):
    """Cosine schedule of the published code at their time 1 - t."""
    signal = jnp.cos(jnp.pi / 2 * (1 - t + 0.008) / 1.008) / jnp.cos(jnp.pi / 2 * 0.008 / 1.008)
    return signal, jnp.sqrt(1 - signal**2)


def denoise(case, c, p, s, shape, stream):
    """Ancestral sampling: noise as the forward step adds it, or the posterior's."""
    x = case.draw(stream, shape, "normal")
    noise = case.draw(stream + "_steps", (c["nfe"],) + shape, "normal")
    times = np.linspace(c["time_min"], c["time_max"], c["nfe"] + 1)
    bar = [levels(t)[0]**2 for t in times]
    for k in range(c["nfe"]):
        now, to = bar[k], bar[k + 1]
        eps = velocity_net(p, s, x, jnp.array([times[k]]))
        clean = jnp.clip((x - jnp.sqrt(1 - now) * eps) / jnp.sqrt(now), -1, 1)
        share, beta = now / to, 1 - now / to
        var = beta * (1 - to) / (1 - now) if c.get("step_variance") == "posterior" else beta
        x = (jnp.sqrt(to) * beta * clean + jnp.sqrt(share) * (1 - to) * x) / (1 - now)
        if k + 1 < c["nfe"]:
            x = x + jnp.sqrt(var) * noise[k]
    return jnp.clip(x, -1, 1)


def noisy(case, c, a):
    u = case.draw("time", a.shape[:-1] + (1,), "uniform")
    t = c["time_min"] + (c["time_max"] - c["time_min"]) * u
    signal, std = levels(t)
    e = case.draw("path", a.shape, "normal")
    return signal * a + std * e, t, e, signal, std


def make_case(c, soft=True):
    case = base.Case(c, O + A + 9, A, "average_", mish, mish, soft)
    case.bonus = False
    return case


def noise_entropy(case, c):
    h = A / 2 * jnp.log(2 * jnp.pi * jnp.e * (c["entropy_std"] * case.alpha())**2)
    return jnp.full(B, h)


def sdac():
    """Best of two noisy actions in the target, points of the policy's actions."""
    c = SAMPLED | DENOISER | {"target_particles": 2, "target_noise": True,
                              "path_actions": "policy", "step_variance": "posterior"}
    case = make_case(c)
    p, obs = case.group("actor"), case.b["obs"]
    both = denoise(case, c, p, case.b["next_obs"], (B, 2, A), "base")
    q = case.q_min(case.group("critic"), case.b["next_obs"], both)
    a2 = jnp.where((q[:, 0] >= q[:, 1])[:, None], both[:, 0], both[:, 1])
    a2 = jnp.clip(a2 + 0.2 * case.alpha() * case.draw("exploration", (B, A), "normal"), -1, 1)
    x, t, _, signal, std = noisy(case, c, denoise(case, c, p, obs, (B, A), "policy_base"))
    u = case.draw("proposal", (B, K, A), "uniform")
    lo, hi = ((x - signal) / std)[:, None], ((x + signal) / std)[:, None]
    eps = base.truncnorm(u, lo, hi)
    a = (x[:, None] - std[:, None] * eps) / signal[:, None]
    w = jax.nn.softmax(case.q_min(case.group("critic"), obs, a) / case.alpha(), 1)
    wanted = (w[..., None] * eps).sum(1)
    loss = lambda p: jnp.mean((velocity_net(p, obs, x, t) - wanted)**2)
    metrics = weight_metrics(w) | {"losses/denoise_loss": loss(p)}
    case.finish("sdac", a2, noise_entropy(case, c), loss, metrics)


def flow(c, p, s, x):
    """Midpoint steps of a velocity from noise to its end."""
    steps = c["nfe"] // 2
    for k in range(steps):
        mid = x + velocity_net(p, s, x, jnp.array([k / steps])) / (2 * steps)
        x = x + velocity_net(p, s, mid, jnp.array([(k + 0.5) / steps])) / steps
    return x


def rfm():
    """The share of gradients with the least variance, from its definition."""
    s0 = 0.6
    c = SAMPLED | {"nfe": 4, "solver": "midpoint", "base_std": s0, "time_min": 0.1,
                   "time_max": 0.9, "alpha.fixed": False}
    case = make_case(c)
    p, obs, critic = case.group("actor"), case.b["obs"], case.group("critic")
    a2 = jnp.tanh(flow(c, p, case.b["next_obs"], s0 * case.draw("base", (B, A), "normal")))
    end = flow(c, p, obs, s0 * case.draw("policy_base", (B, A), "normal"))
    t = 0.1 + 0.8 * case.draw("time", (B, 1), "uniform")
    x = t * end + (1 - t) * s0 * case.draw("path", (B, A), "normal")
    eps = case.draw("proposal", (B, K, A), "normal")

    def log_p(e):
        u = (x[:, None] - ((1 - t) * s0)[:, None] * e) / t[:, None]
        return (case.q_min(critic, obs, jnp.tanh(u)) / case.alpha()
                + jnp.sum(jnp.log(1 - jnp.tanh(u)**2), -1))

    # the score in e directly: d/de of ln N(e) + ln p(u(e))
    g = -eps + jax.grad(lambda e: jnp.sum(log_p(e)))(eps)
    w = jax.nn.softmax(log_p(eps), 1)[..., None]
    centre = (w * eps).sum(1, keepdims=True)
    eta = -(w**2 * (eps - centre) * g).sum(1) / (w**2 * g**2).sum(1)
    noise = (w * (eps + eta[:, None] * g)).sum(1)
    loss = lambda p: jnp.mean((velocity_net(p, obs, x, t) - (x - s0 * noise) / t)**2)
    metrics = weight_metrics(w[..., 0]) | {"losses/flow_loss": loss(p),
                                           "losses/gradient_share": jnp.mean(eta)}
    case.finish("rfm", a2, noise_entropy(case, c), loss, metrics)


CASES = {"sdac": sdac, "rfm": rfm}
if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        base.rng = np.random.default_rng(zlib.crc32(name.encode()))
        CASES[name]()
