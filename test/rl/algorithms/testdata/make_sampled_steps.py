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


def mirrored(case, c, candidates):
    """Weights of candidates, drawn from or as they are, and the entropy that trains alpha."""
    q = case.q_min(case.group("critic"), case.b["obs"], candidates)
    w = jax.nn.softmax(q / case.alpha(), 1)
    h = -jnp.sum(w * jnp.log(w), 1)
    if c["resampled"]:
        return base.resampled(case, candidates, w, c["resampled"]), 1., w, h
    return candidates, w.shape[1] * w, w, h


def with_candidate_noise(case, c, a):
    return jnp.clip(a + c["candidate_noise"] * case.draw("candidate_noise", a.shape, "normal"),
                    -1, 1)


# what the weights' own entropy leaves unread keeps its default
MIRROR = SAMPLED | {"candidate_noise": 0.15, "kl_target": 0.8, "resampled": 3,
                    "target_entropy_scale": 1, "entropy_std": 0.1}


def goal_of(c):
    return float(np.log(K)) - c["kl_target"]


def dpmd():
    c = MIRROR | DENOISER
    case = make_case(c)
    case.goal = goal_of(c)
    p, obs = case.group("actor"), case.b["obs"]
    a2 = denoise(case, c, p, case.b["next_obs"], (B, A), "base")
    old = denoise(case, c, case.group("actor", "average_"), obs, (B, K, A), "candidates")
    a, weights, w, h = mirrored(case, c, with_candidate_noise(case, c, old))
    x, t, e, _, _ = noisy(case, c, a)
    loss = lambda p: jnp.mean(weights * (velocity_net(p, obs, x, t) - e)**2)
    case.finish("dpmd", a2, h, loss, weight_metrics(w) | {"losses/denoise_loss": loss(p)})


def fpmd_r():
    """As published: the target's action, clipped weights of normalised values, two steps."""
    s0, std, rate = 0.6, 1.1, 0.05
    c = SAMPLED | {"nfe": 2, "base_std": s0, "path_std": std, "weights": "clipped",
                   "candidates": "target", "q_norm": "published", "q_clip": 0.9,
                   "moment_rate": rate, "critic.steps": 2}
    case = make_case(c)
    moments = case.state["q_mean"], case.state["q_std"] = base.f32(0.3), base.f32(0.7)
    p, s2 = case.group("actor"), case.b["next_obs"]
    a2 = s0 * case.draw("base", (B, A), "normal")
    for k in range(2):
        a2 = a2 + velocity_net(p, s2, a2, jnp.array([k / 2])) / 2
    a2 = jnp.clip(a2, -1, 1)
    q = case.q_min(case.group("critic"), s2, a2)
    mean, spread = (float(m) for m in moments)
    w = jnp.exp(jnp.clip(q - mean / spread, -0.9, 0.9) / case.alpha())
    case.extra = {"q_mean": mean + rate * (jnp.mean(q) - mean),
                  "q_std": spread + rate * (jnp.std(q) - spread)}
    noise = std * case.draw("path", (B, 1, A), "normal")
    t = case.draw("time", (B, 1, 1), "uniform")
    a = a2[:, None]
    x = t * a + (1 - t) * noise
    loss = lambda p: jnp.mean(w[:, None, None] * (velocity_net(p, s2, x, t) - (a - noise))**2)
    case.finish("fpmd-r", a2, noise_entropy(case, c), loss,
                weight_metrics((w / jnp.sum(w))[None]) | {"losses/flow_loss": loss(p)})


def fpmd_m():
    s0 = 0.6
    c = MIRROR | {"base_std": s0, "r_equal_t": 0.4, "resampled": 0}
    case = base.Case(c, O + A + 18, A, "average_", mish, mish)
    case.bonus, case.goal = False, goal_of(c)

    def net(p, s, x, t, r):
        s = jnp.broadcast_to(s.reshape(s.shape[:1] + (1,) * (x.ndim - 2) + s.shape[1:]),
                             x.shape[:-1] + s.shape[-1:])
        e = [jnp.broadcast_to(base.embed(y), x.shape[:-1] + (9,)) for y in (t, r)]
        return base.mlp(p, jnp.concatenate([s, x] + e, -1), mish)

    def act(p, s, x0):
        return jnp.clip(x0 + net(p, s, x0, jnp.zeros(1), jnp.ones(1)), -1, 1)

    p, obs = case.group("actor"), case.b["obs"]
    a2 = act(p, case.b["next_obs"], s0 * case.draw("base", (B, A), "normal"))
    old = act(case.group("actor", "average_"), obs,
              s0 * case.draw("candidates", (B, K, A), "normal"))
    a, weights, w, h = mirrored(case, c, with_candidate_noise(case, c, old))
    u = case.draw("time", (B, K, 3), "uniform")
    t, late = jnp.minimum(u[..., :1], u[..., 1:2]), jnp.maximum(u[..., :1], u[..., 1:2])
    r = jnp.where(u[..., 2:] < 0.4, t, late)
    noise = s0 * case.draw("path", (B, K, A), "normal")
    x, v = t * a + (1 - t) * noise, a - noise

    def loss(p):
        U, dU = jax.jvp(lambda x, t, r: net(p, obs, x, t, r), (x, t, r),
                        (v, jnp.ones_like(t), jnp.zeros_like(r)))
        error = U - jax.lax.stop_gradient(v + (r - t) * dU)
        return jnp.mean(weights[..., None] * error**2)

    case.finish("fpmd-m", a2, h, loss, weight_metrics(w) | {"losses/flow_loss": loss(p)})


def qsm():
    c = {k: v for k, v in SAMPLED.items() if k != "proposals"} | DENOISER | {
        "alpha.fixed": False, "slope_of": "target_mean", "normalise_slope": True}
    case = make_case(c)
    p, obs, target = case.group("actor"), case.b["obs"], case.group("critic", "target_")
    a2 = denoise(case, c, p, case.b["next_obs"], (B, A), "base")
    x, t, _, _, std = noisy(case, c, case.b["action"])
    slope = jax.grad(lambda a: jnp.sum(case.q(target, obs, a, 0) + case.q(target, obs, a, 1)) / 2)(x)
    slope = slope / (jnp.mean(jnp.abs(slope)) + 1e-6)
    loss = lambda p: jnp.mean((velocity_net(p, obs, x, t) + std * slope / case.alpha())**2)
    case.finish("qsm", a2, noise_entropy(case, c), loss,
                {"losses/denoise_loss": loss(p), "losses/slope_mean": jnp.mean(jnp.abs(slope))})


def maxentdp():
    """The density's integral at equal steps of the log ratio of signal and noise."""
    L, D = 3, 2
    c = {k: v for k, v in SAMPLED.items() if k != "entropy_std"} | DENOISER | {
        "entropy.levels": L, "entropy.draws": D, "alpha.fixed": False, "time_min": 0.1}
    case = make_case(c)
    case.bonus = True
    p, obs, s2 = case.group("actor"), case.b["obs"], case.b["next_obs"]
    a2 = denoise(case, c, p, s2, (B, A), "base")
    ratio = lambda t: 2 * jnp.log(levels(t)[0] / levels(t)[1])
    low, high = ratio(c["time_min"]), ratio(c["time_max"])
    e = case.draw("probe", (B, L, D, A), "normal")
    h = A / 2 * jnp.log(2 * jnp.pi * jnp.e)
    for i in range(L):
        wanted = low + (high - low) * (i + 0.5) / L
        left, right = 0.0, 1.0
        for _ in range(60):  # the time of this ratio
            mid = (left + right) / 2
            left, right = (mid, right) if ratio(mid) < wanted else (left, mid)
        signal, std = levels(mid)
        x = signal * a2[:, None] + std * e[:, i]
        eps = velocity_net(p, s2, x, jnp.full((1, 1, 1), mid))
        clean = jnp.clip((x - std * eps) / signal, -1, 1)
        error = jnp.mean(jnp.sum(((x - signal * clean) / std - e[:, i])**2, -1), 1)
        h = h - (high - low) / L / 2 * (A * signal**2 - error)
    x, t, _, signal, std = noisy(case, c, case.b["action"])
    u = case.draw("proposal", (B, K, A), "uniform")
    eps = base.truncnorm(u, ((x - signal) / std)[:, None], ((x + signal) / std)[:, None])
    a = (x[:, None] - std[:, None] * eps) / signal[:, None]
    w = jax.nn.softmax(case.q_min(case.group("critic"), obs, a) / case.alpha(), 1)
    wanted = (w[..., None] * eps).sum(1)
    loss = lambda p: jnp.mean((velocity_net(p, obs, x, t) - wanted)**2)
    case.finish("maxentdp", a2, h, loss, weight_metrics(w) | {"losses/denoise_loss": loss(p)})


def qvpo():
    U = 4
    c = {k: v for k, v in COMMON.items() if "alpha" not in k and "entropy" not in k} | DENOISER | {
        "proposals": K, "particles": 3, "sample_particles": 1, "target_particles": 2,
        "entropy_coef": 0.3, "uniform_actions": U}
    case = make_case(c, soft=False)
    p, obs, critic = case.group("actor"), case.b["obs"], case.group("critic")
    both = denoise(case, c, case.group("actor", "average_"), case.b["next_obs"], (B, 2, A), "base")
    q = case.q_min(critic, case.b["next_obs"], both)
    a2 = jnp.where((q[:, 0] >= q[:, 1])[:, None], both[:, 0], both[:, 1])
    samples = denoise(case, c, p, obs, (B, K, A), "proposal")
    q = case.q_min(critic, obs, samples)
    best = jnp.take_along_axis(samples, jnp.argmax(q, 1)[:, None, None], 1)
    w = (jnp.max(q, 1) - jnp.mean(q, 1))[:, None]
    uniform = 2 * case.draw("uniform", (B, U, A), "uniform") - 1
    x, t, e, _, _ = noisy(case, c, jnp.concatenate([best, uniform], 1))
    weights = jnp.concatenate([w, 0.3 * jnp.repeat(w, U, 1)], 1)[..., None]
    loss = lambda p: jnp.mean(weights * (velocity_net(p, obs, x, t) - e)**2)
    case.finish("qvpo", a2, None, loss, {"losses/denoise_loss": loss(p),
                                         "losses/advantage_mean": jnp.mean(w)})


def dipo():
    c = {k: v for k, v in COMMON.items() if "alpha" not in k and "entropy" not in k} | DENOISER | {
        "particles": 1, "sample_particles": 1, "target_particles": 1, "action_steps": 3,
        "action_lr": 0.05, "action_grad_norm": 0.04, "step_variance": "posterior"}
    case = make_case(c, soft=False)
    for name, values in (("stored_obs", base.rng.normal(size=(B, O))),
                         ("stored_action", base.rng.uniform(-1, 1, size=(B, A)))):
        case.batch[name] = base.f32(values)
    obs, start = (jnp.asarray(case.batch[k], jnp.float64) for k in ("stored_obs", "stored_action"))
    critic = case.group("critic")
    a2 = denoise(case, c, case.group("actor", "average_"), case.b["next_obs"], (B, A), "base")
    value = lambda a: jnp.sum(case.q_min(critic, obs, a))
    a, m, v = start, 0., 0.
    for k in range(1, c["action_steps"] + 1):
        g = -jax.grad(value)(a)
        size = jnp.sqrt(jnp.sum(g * g))
        assert size > c["action_grad_norm"] * A
        g = g * c["action_grad_norm"] * A / (size + 1e-6)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        step = m / (1 - 0.9**k) / (jnp.sqrt(v / (1 - 0.999**k)) + 1e-5)
        a = jnp.clip(a - c["action_lr"] * step, -1, 1)
    x, t, e, _, _ = noisy(case, c, a)
    loss = lambda p: jnp.mean((velocity_net(p, obs, x, t) - e)**2)
    case.finish("dipo", a2, None, loss, {
        "improved_action": a, "losses/denoise_loss": loss(case.group("actor")),
        "losses/improvement": (value(a) - value(start)) / B,
        "losses/improved_by": jnp.mean(jnp.abs(a - start))})


CASES = {"sdac": sdac, "rfm": rfm, "dpmd": dpmd, "fpmd-r": fpmd_r, "fpmd-m": fpmd_m, "qsm": qsm,
         "maxentdp": maxentdp, "qvpo": qvpo, "dipo": dipo}
if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        base.rng = np.random.default_rng(zlib.crc32(name.encode()))
        CASES[name]()
