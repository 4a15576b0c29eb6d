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
from make_train_steps import A, B, COMMON, Case, O, base_surprise, embed, mish, mlp, names


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


def normed(prefix, n_in, n_out):
    """Leaves of a network whose hidden rows are normalised before activations."""
    out = []
    for name, shape in names(prefix, n_in, n_out):
        out.append((name, shape))
        if name.endswith("bias") and f"layer{len(steps.H) + 1}" not in name:
            out += [(name[:-4] + "scale", shape), (name[:-4] + "shift", shape)]
    return out


def normed_mlp(p, x):
    for i in range(0, len(p) - 2, 4):
        x = x @ p[i] + p[i + 1]
        x = (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-6)
        x = jax.nn.gelu(x * p[i + 2] + p[i + 3], approximate=False)
    return x @ p[-2] + p[-1]


class Categorical(Case):
    """Critics that give logits over fixed values."""
    atoms = jnp.linspace(-3., 3., 7)

    def logits(self, p, obs, a, i):
        obs = jnp.broadcast_to(obs.reshape(obs.shape[:1] + (1,) * (a.ndim - 2) + obs.shape[1:]),
                               a.shape[:-1] + obs.shape[-1:])
        half = len(p) // 2
        return normed_mlp(p[i * half:(i + 1) * half], jnp.concatenate([obs, a], -1))

    def q(self, p, obs, a, i):
        return jax.nn.softmax(self.logits(p, obs, a, i), -1) @ self.atoms

    def twins(self, a2, h):
        c, b, z = self.c, self.b, np.asarray(self.atoms)
        target = self.group("critic", "target_")
        going = np.asarray((1 - b["terminated"]) * c["discount"])
        moved = []
        for i in (0, 1):
            p = np.asarray(jax.nn.softmax(self.logits(target, b["next_obs"], a2, i), -1))
            out = np.zeros_like(p)
            for row in range(B):
                for k, share in enumerate(p[row]):
                    place = c["reward_scale"] * float(b["reward"][row]) + going[row] * (
                        z[k] + float(self.alpha() * h[row]))
                    at = (min(max(place, z[0]), z[-1]) - z[0]) / (z[1] - z[0])
                    low = min(int(at), len(z) - 2)
                    out[row, low] += share * (low + 1 - at)
                    out[row, low + 1] += share * (at - low)
            moved.append(out)
        first = (moved[0] @ z < moved[1] @ z)[:, None]
        wanted = jnp.asarray(np.where(first, *moved))
        values = lambda p, i: self.q(p, b["obs"], b["action"], i)
        return wanted @ self.atoms, values, lambda p, i: -jnp.mean(jnp.sum(
            wanted * jax.nn.log_softmax(self.logits(p, b["obs"], b["action"], i), -1), -1))


def mfpo():
    K1, K2, J, s0, n = 3, 4, 2, 0.7, 2
    c = COMMON | {"divergence.lr": 2e-3, "divergence.lr_final": 2e-3, "atoms": 7,
                  "value_least": -3, "value_most": 3, "nfe": n, "policy_proposals": K1,
                  "proposals": K2, "particles": 3, "probes": J, "base_std": s0,
                  "r_equal_t": 0.5, "time_mean": 0.2, "time_std": 0.8}
    inputs = O + A + 18
    case = Categorical(c, 0, 0, "", None, None, groups={
        "critic": normed("critic/0", O + A, 7) + normed("critic/1", O + A, 7),
        "actor": normed("actor", inputs, A), "divergence": normed("divergence", inputs, 1)})
    theta, omega = case.group("actor"), case.group("divergence")
    obs, critic, alpha = case.b["obs"], case.group("critic"), case.alpha()

    def net(p, s, x, t, r):
        s = jnp.broadcast_to(s.reshape(s.shape[:1] + (1,) * (x.ndim - 2) + s.shape[1:]),
                             x.shape[:-1] + s.shape[-1:])
        e = [jnp.broadcast_to(embed(y), x.shape[:-1] + (9,)) for y in (t, r)]
        return normed_mlp(p, jnp.concatenate([s, x] + e, -1))

    def follow(s, x):
        h = base_surprise(x, s0)
        for k in range(n):
            t, r = jnp.array([k / n]), jnp.array([(k + 1) / n])
            h = h + net(omega, s, x, t, r)[..., 0] / n
            x = x + net(theta, s, x, t, r) / n
        return jnp.clip(x, -1, 1), h

    def query(prefix, action):
        u = jax.nn.sigmoid(0.2 + 0.8 * case.draw(prefix + "time", (B, 2), "normal"))
        t = u.min(1, keepdims=True)
        r = jnp.where(jnp.arange(B)[:, None] < B // 2, t, u.max(1, keepdims=True))
        noise = s0 * case.draw(prefix + "path", (B, A), "normal")
        return t * action + (1 - t) * noise, t, r

    a2, h2 = follow(case.b["next_obs"], s0 * case.draw("base", (B, A), "normal"))
    own, h = follow(obs, s0 * case.draw("proposal_base", (B, K1, A), "normal"))
    x, t, r = query("", own[:, 0])
    log_n = -jnp.sum((x[:, None] - t[:, None] * own)**2, -1) / (2 * ((1 - t) * s0)**2)
    w1 = jax.nn.softmax(case.q_min(critic, obs, own) / alpha + log_n + h, 1)
    sd = ((1 - t) * s0)[:, None]
    eps = steps.truncnorm(case.draw("proposal", (B, K2, A), "uniform"),
                          (x - t)[:, None] / sd, (x + t)[:, None] / sd)
    box = (x[:, None] - sd * eps) / t[:, None]
    w2 = jax.nn.softmax(case.q_min(critic, obs, box) / alpha, 1)
    v1, v2 = (((w[..., None] * a).sum(1) - x) / (1 - t) for w, a in ((w1, own), (w2, box)))
    n1, n2 = (1 / jnp.sum(w * w, 1, keepdims=True) for w in (w1, w2))
    v = (n1 * v1 + n2 * v2) / (n1 + n2)

    def identity(p, point, rate, velocity):
        x, t, r = point
        u, du = jax.jvp(lambda *at: net(p, obs, *at), point,
                        (velocity, jnp.ones_like(t), jnp.zeros_like(r)))
        return jnp.mean((u - jax.lax.stop_gradient(rate + (r - t) * du))**2)

    y, ty, ry = query("divergence_", own[:, 0])
    probes = case.draw("divergence_probe", (B, J, A), "normal")
    field = lambda z: net(theta, obs, z, ty, ty)
    div = sum(jnp.sum(p * jax.jvp(field, (y,), (p,))[1], -1, keepdims=True)
              for p in jnp.moveaxis(probes, 1, 0)) / J
    divergence = lambda p: identity(p, (y, ty, ry), div, field(y))
    case.finish("mfpo", a2, h2, lambda p: identity(p, (x, t, r), v, v),
                {"losses/divergence_loss": divergence(omega), "losses/ess_policy": n1.mean(),
                 "losses/ess_box": n2.mean()}, {"divergence": divergence})


class Uncertain(Case):
    """Critics that give mean and deviation; a log-likelihood's scaled gradient."""

    def moments(self, p, obs, a, i):
        half = len(p) // 2
        out = mlp(p[i * half:(i + 1) * half], jnp.concatenate([obs, a], -1), mish)
        return out[..., 0], jnp.logaddexp(out[..., 1], 0.)

    def q(self, p, obs, a, i):
        return self.moments(p, obs, a, i)[0]

    def twins(self, a2, h):
        c, b, target = self.c, self.b, self.group("critic", "target_")
        if not hasattr(self, "z"):
            self.z = jnp.clip(self.draw("returns", (B, 2), "normal"), -3, 3)
        z = self.z
        q, d = zip(*(self.moments(target, b["next_obs"], a2, i) for i in (0, 1)))
        drawn = [q[i] + d[i] * z[:, i] for i in (0, 1)]
        backup = lambda x: (c["reward_scale"] * b["reward"]
                            + (1 - b["terminated"]) * c["discount"] * x)
        y, sample = backup(jnp.minimum(*q)), backup(jnp.where(q[0] < q[1], *drawn))
        stop = jax.lax.stop_gradient

        def width(p, i):
            old = self.s[f"critic/{i}/running_std"]
            now = jnp.mean(self.moments(p, b["obs"], b["action"], i)[1])
            return now if old < 0 else c["ema_rate"] * now + (1 - c["ema_rate"]) * old

        def loss(p, i):
            q, d = self.moments(p, b["obs"], b["action"], i)
            w = stop(width(p, i))
            near = stop(q + jnp.clip(sample - q, -3 * w, 3 * w))
            s = stop(d)
            return -(w**2 + 0.1) * jnp.mean(
                q * stop(y - q) / (s**2 + 0.1)
                + d * ((stop(q) - near)**2 - s**2) / (s**3 + 0.1))

        self.widths = [width(self.group("critic"), i) for i in (0, 1)]
        return y, lambda p, i: self.q(p, b["obs"], b["action"], i), loss


def mixture_entropy(x, components, rounds):
    """Of one state's samples (S, A)."""
    count, size = x.shape
    mean = x[[(2 * k + 1) * count // (2 * components) for k in range(components)]]
    ridge = 1e-6 * np.eye(size)
    centred = x - x.mean(0)
    cov = np.stack([centred.T @ centred / (count + 1e-6) + ridge] * components)
    weight = np.full(components, 1 / components)
    for _ in range(rounds):
        like = np.stack([w / np.sqrt(np.linalg.det(s)) * np.exp(-0.5 * np.einsum(
            "si,ij,sj->s", x - m, np.linalg.inv(s), x - m)) for w, m, s in zip(weight, mean, cov)])
        share = like / like.sum(0)
        number = share.sum(1) + 1e-6
        weight, mean = number / number.sum(), share @ x / number[:, None]
        cov = np.stack([(r[:, None] * (x - m)).T @ (x - m) / n + ridge
                        for r, m, n in zip(share, mean, number)])
    each = 0.5 * np.log(np.linalg.det(2 * np.pi * np.e * cov))
    return np.sum(weight * (each - np.log(weight)))


def dacer():
    S, states, samples = 4, 2, 9
    c = COMMON | {"nfe": S, "noise_scale": 0.3, "entropy_samples": samples,
                  "entropy_states": states, "mixture_components": 2, "mixture_rounds": 5}
    case = Uncertain(c, O + A + 9, A, "", mish, mish, groups={
        "critic": names("critic/0", O + A, 2) + names("critic/1", O + A, 2)})
    for name, value in (("critic/0/running_std", 0.4), ("critic/1/running_std", -1.0),
                        ("entropy", -0.9)):
        case.state[name], case.s[name] = steps.f32(value), jnp.asarray(steps.f32(value), float)
    beta = 1 - np.exp(-0.1 / S - 0.5 * 9.9 * (2 * np.arange(1, S + 1) - 1) / S**2)
    kept = np.cumprod(1 - beta)
    before = np.append(1, kept[:-1])

    def sample(p, obs, x, noise):
        s = jnp.broadcast_to(obs.reshape(obs.shape[:1] + (1,) * (x.ndim - 2) + obs.shape[1:]),
                             x.shape[:-1] + obs.shape[-1:])
        for k, j in enumerate(reversed(range(S))):
            e = jnp.broadcast_to(embed(jnp.array([k / S])), x.shape[:-1] + (9,))
            guess = mlp(p, jnp.concatenate([s, x, e], -1), mish)
            clean = jnp.clip(x / np.sqrt(kept[j]) - guess * np.sqrt(1 / kept[j] - 1), -1, 1)
            x = (clean * beta[j] * np.sqrt(before[j]) + x * (1 - before[j]) * np.sqrt(1 - beta[j])
                 ) / (1 - kept[j])
            x = x + np.sqrt(beta[j] * (1 - before[j]) / (1 - kept[j])) * noise[0][k]
        return jnp.clip(x + 0.3 * case.alpha() * noise[1], -1, 1)

    def noise(prefix, shape):
        return (case.draw(prefix + "base", shape, "normal"),
                (case.draw(prefix + "steps", (S,) + shape, "normal"),
                 case.draw(prefix + "exploration", shape, "normal")))

    theta, obs, critic = case.group("actor"), case.b["obs"], case.group("critic")
    a2 = sample(theta, case.b["next_obs"], *noise("", (B, A)))
    actions = np.asarray(sample(theta, obs[:states], *noise("entropy_", (states, samples, A))))
    entropy = jnp.asarray(np.mean([mixture_entropy(x, 2, 5) for x in actions]))
    now = noise("policy_", (B, A))
    case.twins(a2, entropy)
    leaves = {f"critic/{i}/running_std": case.widths[i] for i in (0, 1)} | {"entropy": entropy}
    case.finish("dacer", a2, entropy,
                lambda p: -jnp.mean(case.q_min(critic, obs, sample(p, obs, *now))),
                {"losses/return_std": case.widths[0]}, leaves=leaves)


CASES = {"sac-flow": sac_flow, "mfpo": mfpo, "dacer": dacer}
if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        steps.rng = np.random.default_rng(zlib.crc32(name.encode()))
        CASES[name]()
