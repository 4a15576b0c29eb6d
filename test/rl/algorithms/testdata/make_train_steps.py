"""One train step of each algorithm in JAX, f64, from given state, batch and noise.

Written from the formulas alone; shares nothing with the sources under test.
Run where jax, numpy, scipy and safetensors are installed:
  python make_train_steps.py [NAME]...
writes NAME.safetensors beside itself, for every algorithm if none is named:
state/LEAF, input/NAME (batch and noise), expect/LEAF, metric/NAME; the
configuration is in the metadata.
"""
import json
import math
import pathlib
import sys
import zlib

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr, ndtri
from safetensors.numpy import save_file

jax.config.update("jax_enable_x64", True)
O, A, B, K, H = 3, 2, 6, 5, [8, 7]
STEP = 4
COUNTS = {"critic": 9, "actor": 5, "log_alpha": 3, "divergence": 2}
rng = np.random.default_rng(7)


def f32(x):
    return np.asarray(x, np.float32)


def mish(x):
    return x * jnp.tanh(jnp.logaddexp(x, 0.))


def mlp(p, x, act):
    for i in range(0, len(p) - 2, 2):
        x = act(x @ p[i] + p[i + 1])
    return x @ p[-2] + p[-1]


def names(prefix, n_in, n_out, hidden=H):
    sizes = [n_in] + hidden + [n_out]
    result = []
    for i in range(len(sizes) - 1):
        result.append((f"{prefix}/layer{i + 1}/weight", (sizes[i], sizes[i + 1])))
        result.append((f"{prefix}/layer{i + 1}/bias", (sizes[i + 1],)))
    return result


def make_state(groups, average, soft):
    state = {}
    for group in groups.values():
        for name, shape in group:
            state[name] = f32(rng.normal(size=shape) * 0.5)
            state[name + "/adam_m"] = f32(rng.normal(size=shape) * 0.01)
            state[name + "/adam_v"] = f32(rng.uniform(size=shape) * 1e-3)
    for name, shape in groups["critic"]:
        state["target_" + name] = f32(rng.normal(size=shape) * 0.5)
    if average:
        for name, shape in groups["actor"]:
            state[average + name] = f32(rng.normal(size=shape) * 0.5)
    if soft:
        state["log_alpha"] = f32(-0.7)
        state["log_alpha/adam_m"] = f32(0.02)
        state["log_alpha/adam_v"] = f32(0.003)
    for name, count in COUNTS.items():
        if name in groups or soft and name == "log_alpha":
            state[name + "/adam_count"] = np.uint64(count)
    state["step"] = np.uint64(STEP)
    state["seed"] = np.uint64(1)
    return state, groups


def make_batch():
    return {"obs": f32(rng.normal(size=(B, O))),
            "action": f32(rng.uniform(-1, 1, size=(B, A))),
            "reward": f32(rng.normal(size=B)),
            "next_obs": f32(rng.normal(size=(B, O))),
            "terminated": f32([0, 0, 1, 0, 1, 0])}


def adam(p, g, m, v, count, lr):
    k = count + 1
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g * g
    return p - lr * (m / (1 - 0.9**k)) / (jnp.sqrt(v / (1 - 0.999**k)) + 1e-8), m, v


def rate(c, key, count):
    lr, last = c[key], c.get(key + "_final", c[key])
    steps = c.get(key + "_steps", 0)
    if not steps:
        return lr
    return lr + (last - lr) * min(max((count - c.get(key + "_begin", 0)) / steps, 0), 1)


def order(x, share):
    return jnp.sort(x)[math.floor(share * (len(x) - 1))]


class Case:
    """State as f64, with what all algorithms do to it."""

    def __init__(self, config, actor_in, actor_out, average, act, critic_act, soft=True,
                 groups={}):
        """`average` is the prefix of the actor's moving average, empty for none; `groups`
        replaces the leaves (name, shape) of actor and critic, or adds a network's."""
        self.c, self.act, self.critic_act, self.soft = config, act, critic_act, soft
        self.average, self.bonus = average, soft
        self.goal, self.extra = None, {}  # of the temperature; other leaves' new values
        self.state, self.groups = make_state(
            {"critic": names("critic/0", O + A, 1) + names("critic/1", O + A, 1),
             "actor": names("actor", actor_in, actor_out)} | groups, average, soft)
        self.batch, self.noise = make_batch(), {}
        self.s = {k: jnp.asarray(v, jnp.float64) for k, v in self.state.items()}
        self.b = {k: jnp.asarray(v, jnp.float64) for k, v in self.batch.items()}

    def draw(self, name, shape, kind):
        value = f32(rng.normal(size=shape) if kind == "normal"
                    else rng.uniform(0.01, 0.99, size=shape))
        self.noise["train_step/" + name] = value
        return jnp.asarray(value, jnp.float64)

    def group(self, group, prefix=""):
        return [self.s[prefix + n] for n, _ in self.groups[group]]

    def q(self, p, obs, a, i):
        obs = jnp.broadcast_to(obs.reshape(obs.shape[:1] + (1,) * (a.ndim - 2) + obs.shape[1:]),
                               a.shape[:-1] + obs.shape[-1:])
        half = len(p) // 2
        return mlp(p[i * half:(i + 1) * half], jnp.concatenate([obs, a], -1),
                   self.critic_act)[..., 0]

    def q_min(self, p, obs, a):
        return jnp.minimum(self.q(p, obs, a, 0), self.q(p, obs, a, 1))

    def alpha(self):
        return jnp.maximum(jnp.exp(self.s["log_alpha"]), self.c.get("alpha.floor", 0))

    def temperature(self, entropy, out, metric):
        c, s = self.c, self.s
        goal = -c["target_entropy_scale"] * A if self.goal is None else self.goal
        excess = entropy - goal
        out["log_alpha"], out["log_alpha/adam_m"], out["log_alpha/adam_v"] = adam(
            s["log_alpha"], excess, s["log_alpha/adam_m"], s["log_alpha/adam_v"],
            COUNTS["log_alpha"], rate(c, "alpha.lr", COUNTS["log_alpha"]))
        out["log_alpha/adam_count"] = COUNTS["log_alpha"] + 1
        metric["losses/alpha"] = self.alpha()
        metric["losses/alpha_loss"] = s["log_alpha"] * excess
        metric["losses/entropy"] = entropy
        metric["losses/target_entropy"] = goal
        metric["losses/alpha_floor_rate"] = float(
            jnp.exp(s["log_alpha"]) < c.get("alpha.floor", 0))

    def twins(self, next_action, h):
        """Target, critics' values, losses as functions of the parameters and i."""
        c, b = self.c, self.b
        q_next = self.q_min(self.group("critic", "target_"), b["next_obs"],
                            jnp.clip(next_action, -1, 1))
        y = c["reward_scale"] * b["reward"] + (1 - b["terminated"]) * c["discount"] * (
            q_next + (c.get("entropy_sign", 1) * self.alpha() * h if self.bonus else 0))
        values = lambda p, i: self.q(p, b["obs"], b["action"], i)
        return y, values, lambda p, i: jnp.mean((values(p, i) - y)**2)

    def finish(self, name, next_action, h, actor_loss, more, others={}, leaves={}):
        """Targets, critics, temperature, Adam, averages, metrics; saves. `others` are
        losses of further networks, by group; `leaves` what else is written."""
        c, s, b, out, metric = self.c, self.s, self.b, {}, {}
        y, values, losses = self.twins(next_action, h)
        critic = self.group("critic")
        g_critic = jax.grad(lambda p: losses(p, 0) + losses(p, 1))(critic)
        actor = self.group("actor")
        l_actor, g_actor = jax.value_and_grad(actor_loss)(actor)
        tau = c["ema_rate"]
        new = {}
        grads = {"critic": g_critic, "actor": g_actor}
        for group, loss in others.items():
            grads[group] = jax.grad(loss)(self.group(group))
        for group, gs in grads.items():
            repeats = c.get("critic.steps", 1) if group == "critic" else 1
            for (leaf, _), g in zip(self.groups[group], gs):
                held = s[leaf], s[leaf + "/adam_m"], s[leaf + "/adam_v"]
                for count in range(COUNTS[group], COUNTS[group] + repeats):
                    held = adam(held[0], g, held[1], held[2], count,
                                rate(c, group + ".lr", count))
                value, out[leaf + "/adam_m"], out[leaf + "/adam_v"] = held
                (out if group in others else new)[leaf] = value
            out[group + "/adam_count"] = COUNTS[group] + repeats
        out.update(new | leaves)
        for leaf, _ in self.groups["critic"]:
            out["target_" + leaf] = tau * new[leaf] + (1 - tau) * s["target_" + leaf]
        if self.average:
            for leaf, _ in self.groups["actor"]:
                out[self.average + leaf] = tau * new[leaf] + (1 - tau) * s[self.average + leaf]
        out["step"] = STEP + 1
        out.update(self.extra)
        norm = lambda ts: jnp.sqrt(sum(jnp.sum(t * t) for t in ts))
        for i in (0, 1):
            metric[f"losses/qf{i + 1}_values"] = jnp.mean(values(critic, i))
            metric[f"losses/qf{i + 1}_loss"] = losses(critic, i)
        metric["losses/qf_loss"] = (losses(critic, 0) + losses(critic, 1)) / 2
        metric["losses/actor_loss"] = l_actor
        if self.soft:
            self.temperature(jnp.mean(h), out, metric)
        metric["losses/action_saturation"] = jnp.mean(jnp.abs(next_action) > 0.99)
        metric["losses/soft_target_mean"] = jnp.mean(y)
        metric["losses/td_error_p95"] = order(jnp.abs(values(critic, 0) - y), 0.95)
        metric["losses/grad_norm_actor"] = norm(g_actor)
        metric["losses/grad_norm_critic"] = norm(g_critic)
        metric["losses/param_norm"] = norm([s[leaf] for leaf in new])
        metric["charts/learning_rate"] = rate(c, "actor.lr", COUNTS["actor"])
        metric["nonfinite"] = 0
        metric.update(more)
        tensors = {"state/" + k: v for k, v in self.state.items()}
        tensors.update({"input/" + k: v for k, v in (self.batch | self.noise).items()})
        def stored(value):
            return np.asarray(value, np.uint64 if isinstance(value, int) else np.float64)
        tensors.update({"expect/" + k: stored(v) for k, v in out.items()})
        tensors.update({"metric/" + k: np.asarray(v, np.float64) for k, v in metric.items()})
        path = pathlib.Path(__file__).parent / f"{name}.safetensors"
        save_file({k: np.array(v, order="C") for k, v in tensors.items()}, path,
                  {"config": json.dumps(c)})


COMMON = {"batch": B, "discount": 0.97, "reward_scale": 0.3, "ema_rate": 0.02,
          "actor.hidden": H, "critic.hidden": H, "actor.every": 2, "alpha.every": 2,
          "critic.lr": 2e-3, "actor.lr": 1e-3, "actor.lr_final": 1e-4, "actor.lr_begin": 2,
          "actor.lr_steps": 10, "alpha.lr": 5e-3, "alpha.lr_final": 5e-3,
          "target_entropy_scale": 0.8}


def sac():
    c = COMMON | {"log_std_min": -1.5, "log_std_max": 0.5, "critic.activation": "relu",
                  "actor.activation": "gelu"}
    gelu = lambda x: jax.nn.gelu(x, approximate=False)
    case = Case(c, O, 2 * A, "", gelu, jax.nn.relu)

    def draw(p, obs, xi):
        out = mlp(p, obs, gelu)
        m, ls = out[:, :A], jnp.clip(out[:, A:], -1.5, 0.5)
        z = m + jnp.exp(ls) * xi
        log_pi = jnp.sum(-0.5 * xi**2 - ls - 0.5 * jnp.log(2 * jnp.pi)
                         - jnp.log(1 - jnp.tanh(z)**2), -1)
        return jnp.tanh(z), log_pi

    xi, xi2 = case.draw("base", (B, A), "normal"), case.draw("policy_base", (B, A), "normal")
    a2, log_pi2 = draw(case.group("actor"), case.b["next_obs"], xi)
    critic = case.group("critic")

    def loss(p):
        a, log_pi = draw(p, case.b["obs"], xi2)
        return jnp.mean(case.alpha() * log_pi - case.q_min(critic, case.b["obs"], a))

    case.finish("sac", a2, -log_pi2, loss, {})


def embed(t):
    k = jnp.pi * jnp.arange(1, 5)
    return jnp.concatenate([t, jnp.sin(k * t), jnp.cos(k * t)], -1)


def truncnorm(u, lo, hi):
    flip = lo > 0
    a, b = jnp.where(flip, -hi, lo), jnp.where(flip, -lo, hi)
    v = jnp.where(flip, 1 - u, u)
    z = ndtri(ndtr(a) + v * (ndtr(b) - ndtr(a)))
    return jnp.where(flip, -z, z)


def posterior(case, x, t, s0):
    u = case.draw("proposal", (B, K, A), "uniform")
    sd = ((1 - t) * s0)[:, None]
    eps = truncnorm(u, (x - t)[:, None] / sd, (x + t)[:, None] / sd)
    a = jnp.clip((x[:, None] - sd * eps) / t[:, None], -1, 1)
    q = case.q_min(case.group("critic"), case.b["obs"], a)
    w = jax.nn.softmax(q / case.alpha(), 1)
    ess = 1 / jnp.sum(w * w, 1)
    metrics = {"losses/ess_mean": jnp.mean(ess), "losses/ess_p05": order(ess, 0.05),
               "losses/weight_max": jnp.mean(jnp.max(w, 1))}
    return ((w[..., None] * a).sum(1) - x) / (1 - t), metrics


FLOW = COMMON | {"proposals": K, "particles": 3, "base_std": 0.6, "alpha.floor": 1e-3,
                 "time_min": 0.05, "time_max": 0.9}


def base_surprise(x0, s0):
    return A / 2 * jnp.log(2 * jnp.pi * s0**2) + jnp.sum(x0**2, -1) / (2 * s0**2)


def flame_r():
    c = FLOW | {"nfe": 4, "solver": "midpoint"}
    s0 = c["base_std"]
    case = Case(c, O + A + 9, A, "average_", mish, mish)
    net = lambda p, s, x, t: mlp(p, jnp.concatenate(
        [s, x, jnp.broadcast_to(embed(t), (len(s), 9))], -1), mish)
    x0 = s0 * case.draw("base", (B, A), "normal")
    signs = jnp.where(case.draw("probe", (2, B, A), "uniform") < 0.5, 1., -1.)
    p, s2, x, ell = case.group("actor"), case.b["next_obs"], x0, 0.
    for k in range(2):
        h, t = 0.5, jnp.array([0.5 * k])
        mid = x + h / 2 * net(p, s2, x, t)
        v, jz = jax.jvp(lambda y: net(p, s2, y, t + h / 2), (mid,), (signs[k],))
        x, ell = x + h * v, ell + h * jnp.sum(signs[k] * jz, -1)
    entropy = base_surprise(x0, s0) + ell
    u = case.draw("time", (B, 1), "uniform")
    t = c["time_min"] + (c["time_max"] - c["time_min"]) * u
    xt = t * case.b["action"] + (1 - t) * s0 * case.draw("path", (B, A), "normal")
    v, metrics = posterior(case, xt, t, s0)
    loss = lambda p: jnp.mean((net(p, case.b["obs"], xt, t) - v)**2)
    metrics["losses/flow_loss"] = loss(p)
    case.finish("flame-r", x, entropy, loss, metrics)


def flame_m():
    c = FLOW | {"r_equal_t": 0.4, "adaptive_p": 0.3, "q_coef": 0.2}
    s0 = c["base_std"]
    case = Case(c, O + A + 18, A, "average_", mish, mish)
    def net(p, s, x, t, r):
        e = [jnp.broadcast_to(embed(y), (len(s), 9)) for y in (t, r)]
        return mlp(p, jnp.concatenate([s, x] + e, -1), mish)
    zero, one = jnp.zeros((1, 1)), jnp.ones((1, 1))
    x0 = s0 * case.draw("base", (B, A), "normal")
    p, s2 = case.group("actor"), case.b["next_obs"]
    step = lambda row, x: x + net(p, row[None], x[None], zero, one)[0]
    a2 = jax.vmap(step)(s2, x0)
    jac = jax.vmap(jax.jacfwd(step, 1))(s2, x0)
    entropy = base_surprise(x0, s0) + jnp.log(jnp.abs(jnp.linalg.det(jac)))
    u = case.draw("time", (B, 3), "uniform")
    t = jnp.clip(jnp.minimum(u[:, :1], u[:, 1:2]), c["time_min"], c["time_max"])
    r = jnp.maximum(jnp.maximum(u[:, :1], u[:, 1:2]), t)
    r = jnp.where(u[:, 2:] < c["r_equal_t"], t, r)
    xt = t * case.b["action"] + (1 - t) * s0 * case.draw("path", (B, A), "normal")
    v, metrics = posterior(case, xt, t, s0)
    x0p = s0 * case.draw("policy_base", (B, A), "normal")
    target = case.group("critic", "target_")
    obs = case.b["obs"]

    def parts(p):
        U, dU = jax.jvp(lambda x, t, r: net(p, obs, x, t, r), (xt, t, r),
                        (v, jnp.ones_like(t), jnp.zeros_like(r)))
        error = U - jax.lax.stop_gradient(v + (r - t) * dU)
        rows = jnp.mean(error**2, 1)
        flow = jnp.mean(rows * jax.lax.stop_gradient((rows + 1e-3)**-c["adaptive_p"]))
        a = jnp.clip(x0p + net(p, obs, x0p, zero, one), -1, 1)
        return flow - c["q_coef"] * jnp.mean(case.q_min(target, obs, a)), flow, dU

    _, flow, dU = parts(p)
    metrics["losses/flow_loss"] = flow
    metrics["losses/tangent_norm"] = jnp.sqrt(jnp.mean(dU**2))
    case.finish("flame-m", a2, entropy, lambda p: parts(p)[0], metrics)


def along(net, p, s, x, signs, back=False):
    """Two midpoint steps from noise or back to it: end and divergence."""
    ell, n = 0., len(signs)
    h = -1 / n if back else 1 / n
    for k in range(n):
        t = jnp.array([1. - k / n if back else k / n])
        mid = x + h / 2 * net(p, s, x, t)
        v, jz = jax.jvp(lambda y: net(p, s, y, t + h / 2), (mid,), (signs[k],))
        x, ell = x + h * v, ell + jnp.sum(signs[k] * jz, -1) / n
    return x, ell


def velocity_net(p, s, x, t):
    s = jnp.broadcast_to(s.reshape(s.shape[:1] + (1,) * (x.ndim - 2) + s.shape[1:]),
                         x.shape[:-1] + s.shape[-1:])
    e = jnp.broadcast_to(embed(t), x.shape[:-1] + (9,))
    return mlp(p, jnp.concatenate([s, x, e], -1), mish)


def sign_of(u):
    return jnp.where(u < 0.5, 1., -1.)


def resampled(case, values, w, count):
    u = case.draw("resample", (B, count), "uniform")
    index = jnp.sum(jnp.cumsum(w, 1)[:, None] <= u[..., None], -1)
    return jnp.take_along_axis(values, index[..., None], 1)


def weight_metrics(w):
    ess = 1 / jnp.sum(w * w, 1)
    return {"losses/ess_mean": jnp.mean(ess), "losses/ess_p05": order(ess, 0.05),
            "losses/weight_max": jnp.mean(jnp.max(w, 1))}


def isfm():
    """Proposals: two of the averaged policy, three of the box, one density."""
    c = {k: v for k, v in FLOW.items() if not k.startswith("time")} | {
        "nfe": 4, "solver": "midpoint", "proposal": "mixture", "box_share": 0.5,
        "proposal_steps": 2, "proposal_probes": 1, "resampled": 3}
    s0, own, box, J = c["base_std"], 2, 3, 3
    case = Case(c, O + A + 9, A, "average_", mish, mish)
    p, obs = case.group("actor"), case.b["obs"]
    x0 = s0 * case.draw("base", (B, A), "normal")
    signs = sign_of(case.draw("probe", (2, B, A), "uniform"))
    a2, ell = along(velocity_net, p, case.b["next_obs"], x0, signs)
    entropy = base_surprise(x0, s0) + ell
    q = case.group("actor", "average_")
    z0 = s0 * case.draw("proposal_base", (B * own, A), "normal")
    end, ell = along(velocity_net, q, jnp.repeat(obs, own, 0), z0,
                     sign_of(case.draw("proposal_probe", (2, B * own, A), "uniform")))
    inside = jnp.all(jnp.abs(end) <= 1, -1)
    lq_own = jnp.where(inside, -base_surprise(z0, s0) - ell, jnp.inf)
    uniform = case.draw("proposal", (B, box, A), "uniform") * 2 - 1
    start, ell = along(velocity_net, q, jnp.repeat(obs, box, 0), uniform.reshape(-1, A),
                       sign_of(case.draw("proposal_back", (2, B * box, A), "uniform")), True)
    lq_box = -base_surprise(start, s0) - ell
    actions = jnp.concatenate([jnp.clip(end, -1, 1).reshape(B, own, A), uniform], 1)
    lq = jnp.concatenate([lq_own.reshape(B, own), lq_box.reshape(B, box)], 1)
    density = own / K * jnp.exp(lq) + box / K * 2.0**-A
    w = jnp.exp(case.q_min(case.group("critic"), obs, actions) / case.alpha()) / density
    w = w / jnp.sum(w, 1, keepdims=True)
    a = resampled(case, actions, w, J)
    noise = s0 * case.draw("path", (B, J, A), "normal")
    t = case.draw("time", (B, J, 1), "uniform")
    x = t * a + (1 - t) * noise
    loss = lambda p: jnp.mean((velocity_net(p, obs, x, t) - (a - noise))**2)
    metrics = weight_metrics(w) | {"losses/flow_loss": loss(p),
                                   "losses/box_weight": jnp.mean(w[:, own:].sum(1))}
    case.finish("isfm", a2, entropy, loss, metrics)


def fmer():
    c = {k: v for k, v in FLOW.items() if not k.startswith("time")} | {
        "nfe": 4, "solver": "midpoint", "resampled": 3, "ess_target": 0.6,
        "noise_scale": 0.2}
    s0, J = c["base_std"], 3
    case = Case(c, O + A + 9, A, "average_", mish, mish)
    p, obs = case.group("actor"), case.b["obs"]
    slope = lambda z: jnp.sum(jnp.log(1 - jnp.tanh(z)**2), -1)
    x0 = s0 * case.draw("base", (B, A), "normal")
    z2, ell = along(velocity_net, p, case.b["next_obs"], x0,
                    sign_of(case.draw("probe", (2, B, A), "uniform")))
    entropy = base_surprise(x0, s0) + ell + slope(z2)
    end = lambda p, x: along(velocity_net, p, obs, x, jnp.zeros((2,) + x.shape))[0]
    z = end(case.group("actor", "average_"), s0 * case.draw("proposal", (B, K, A), "normal"))
    q = case.q_min(case.group("critic"), obs, jnp.tanh(z))
    adv = q - q.mean(1, keepdims=True)
    low, high = math.log(1e-4), math.log(1e3)
    for _ in range(24):
        mid = (low + high) / 2
        share = jnp.mean(1 / jnp.sum(jax.nn.softmax(adv / math.exp(mid), 1)**2, 1)) / K
        low, high = (mid, high) if share < c["ess_target"] else (low, mid)
    tau = math.exp((low + high) / 2)
    w = jax.nn.softmax(adv / tau, 1)
    chosen = resampled(case, z, w, J)
    noise = s0 * case.draw("path", (B, J, A), "normal")
    t = case.draw("time", (B, J, 1), "uniform")
    zt = t * chosen + (1 - t) * noise
    signs = sign_of(case.draw("policy_probe", (B, J, A), "uniform"))
    z0 = s0 * case.draw("policy_base", (B, A), "normal")
    steps = c["nfe"] // 2
    asked = (jnp.minimum(jnp.floor(t * steps), steps - 1) + .5) / steps  # by midpoint steps
    za = asked * chosen + (1 - asked) * noise

    def parts(p):
        _, jp = jax.jvp(lambda y: velocity_net(p, obs, y, asked), (za,), (signs,))
        v = velocity_net(p, obs, zt, t)
        flow, div = jnp.mean((v - (chosen - noise))**2), jnp.mean(jnp.sum(signs * jp, -1))
        return flow - case.alpha() * (div + jnp.mean(slope(end(p, z0)))), flow, div

    _, flow, div = parts(p)
    metrics = weight_metrics(w) | {
        "losses/flow_loss": flow, "losses/divergence": div, "losses/squash": jnp.mean(slope(z)),
        "losses/latent_std": jnp.std(z), "losses/mirror_temperature": tau,
        "losses/mirror_kl": jnp.mean(jnp.sum(w * jnp.log(w * K), 1))}
    case.finish("fmer", jnp.tanh(z2), entropy, lambda p: parts(p)[0], metrics)


def td3():
    c = {k: v for k, v in COMMON.items() if "alpha" not in k and "entropy" not in k} | {
        "target_std": 0.3, "target_clip": 0.25, "exploration_std": 0.2,
        "critic.activation": "relu", "actor.activation": "relu"}
    case = Case(c, O, A, "target_", jax.nn.relu, jax.nn.relu, soft=False)
    noise = case.draw("base", (B, A), "normal")
    policy = lambda p, s: jnp.tanh(mlp(p, s, jax.nn.relu))
    a2 = jnp.clip(policy(case.group("actor", "target_"), case.b["next_obs"])
                  + jnp.clip(0.3 * noise, -0.25, 0.25), -1, 1)
    critic, obs = case.group("critic"), case.b["obs"]
    loss = lambda p: -jnp.mean(case.q(critic, obs, policy(p, obs), 0))
    case.finish("td3", a2, None, loss, {})


CASES = {"sac": sac, "flame-r": flame_r, "flame-m": flame_m, "isfm": isfm, "fmer": fmer,
         "td3": td3}
if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        if name not in ("sac", "flame-r", "flame-m"):  # those share one generator
            rng = np.random.default_rng(zlib.crc32(name.encode()))
        CASES[name]()
