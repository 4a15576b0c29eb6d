"""One FLAME-R update in PyTorch, in the structure that jax_flame.py calls tuned.

Written from the formulas, for comparison only; op by op, or through
torch.compile.
"""

import math
import sys

import timing


def add_options(parser):
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--proposals", type=int, default=100)
    parser.add_argument("--particles", type=int, default=1)
    parser.add_argument("--entropy-steps", type=int, default=2)


options = timing.parse(__doc__, add_options)
try:
    import torch
except ImportError as error:
    sys.exit(str(error))
from torch.nn.functional import mish

torch.set_num_threads(options.threads)
torch.manual_seed(0)
B, O, A = options.batch, options.obs, options.act
K, P, N = options.proposals, options.particles, options.entropy_steps
H, TIME = options.hidden, 16
FREQUENCIES = 10000.0 ** (-torch.arange(TIME // 2) / (TIME // 2))


def dense(i, o):
    weight = torch.nn.init.trunc_normal_(torch.empty(i, o), a=-2, b=2)
    return [(weight / i**0.5).requires_grad_(),
            torch.zeros(o).requires_grad_()]


def network(i, o):
    sizes = [i, *H, o]
    return [dense(*pair) for pair in zip(sizes, sizes[1:])]


def apply(params, x):
    for weight, bias in params[:-1]:
        x = mish(torch.addmm(bias, x, weight))
    return torch.addmm(params[-1][1], x, params[-1][0])


def velocity(actor, obs, x, t):
    angle = t * FREQUENCIES
    e = torch.cat([angle.sin(), angle.cos()], -1) / TIME**0.5
    return apply(actor[2:], torch.cat([obs, x, apply(actor[:2], e)], -1))


def critic(params, obs, action):
    return apply(params, torch.cat([obs, action], -1))[:, 0]


def scores(first, second, obs, actions):
    """Least value of both critics, actions (B, K, A) -> (B, K)."""
    (weight, bias), *middle, last = [
        (torch.stack([u, v]), torch.stack([b, c])[:, None])
        for (u, b), (v, c) in zip(first, second)]
    of_obs = (obs @ weight[:, :O] + bias)[:, :, None]
    h = of_obs + (actions.reshape(-1, A) @ weight[:, O:]).view(2, B, -1, H[0])
    h = mish(h).view(2, -1, H[0])
    for weight, bias in middle:
        h = mish(torch.baddbmm(bias, h, weight))
    return torch.baddbmm(last[1], h, last[0]).amin(0).view(B, -1)


def sample(actor, first, second, obs):
    x = 0.5 * torch.randn(B * P, A)
    many = obs.repeat_interleave(P, 0)
    x = (x + velocity(actor, many, x, torch.zeros(B * P, 1))).clamp(-1, 1)
    if P == 1:
        return x
    x = x.view(B, P, A)
    return x[torch.arange(B), scores(first, second, obs, x).argmax(1)]


def log_density(actor, obs, x):
    probe, trace = torch.randn_like(x), 0
    for i in range(N):
        with torch.enable_grad():
            y = x.detach().requires_grad_()
            v = velocity(actor, obs, y, torch.full((B, 1), 1 - i / N))
            pulled, = torch.autograd.grad(v, y, probe)
        x, trace = (x - v / N).detach(), trace + (pulled * probe).sum(-1) / N
    return (-0.5 * x**2 - 0.5 * math.log(2 * math.pi)).sum(-1) - trace


def normal_cdf(x):
    return 0.5 * torch.erfc(-x / 2**0.5)


def losses(params, average, log_alpha, batch):
    first, second, actor = params
    obs, action, reward, next_obs, terminated = batch
    alpha = log_alpha.exp()
    with torch.no_grad():
        chosen = sample(actor, first, second, next_obs)
    log_prob = log_density(actor, next_obs, chosen)
    with torch.no_grad():
        value = torch.minimum(critic(average[0], next_obs, chosen),
                              critic(average[1], next_obs, chosen))
        target = (0.2 * reward
                  + (1 - terminated) * 0.99 * (value - alpha * log_prob))
        t = 1e-3 + 0.9936 * torch.rand(B, 1)
        x = (t * action + (1 - t) * torch.randn_like(action)).clamp(-1, 1)
        low, high = (((x + s * t) / (1 - t))[:, None] for s in (-1, 1))
        below, above = normal_cdf(low), normal_cdf(high)
        u = below + (above - below) * torch.rand(B, K, A)
        drawn = torch.clamp(torch.special.ndtri(u), low, high)
        clean = (x[:, None] - (1 - t)[:, None] * drawn) / t[:, None]
        q = scores(first, second, obs, clean)
        weights = torch.softmax(q / alpha.clamp(min=1e-3), 1)[..., None]
        goal = (weights * (clean - drawn)).sum(1)
    critic_loss = sum(((critic(p, obs, action) - target)**2).mean()
                      for p in (first, second))
    error = (velocity(actor, obs, x, t) - goal)**2
    return critic_loss, error.sum() / (B * K * A), log_prob.mean()


def flat(networks):
    return [tensor for net in networks for pair in net for tensor in pair]


params = [network(O + A, 1), network(O + A, 1),
          [dense(TIME, 2 * TIME), dense(2 * TIME, TIME)]
          + network(O + A + TIME, A)]
average = [[[t.detach().clone() for t in pair] for pair in net]
           for net in params]
log_alpha = torch.zeros(())
batch = (torch.randn(B, O), 2 * torch.rand(B, A) - 1, torch.randn(B),
         torch.randn(B, O), torch.zeros(B))
adam = torch.optim.Adam(flat(params), lr=3e-4, fused=True)
compute = torch.compile(losses) if options.compile else losses


def step():
    critic_loss, actor_loss, log_prob = compute(params, average, log_alpha,
                                                batch)
    adam.zero_grad(set_to_none=True)
    (critic_loss + actor_loss).backward()
    adam.step()
    with torch.no_grad():
        torch._foreach_lerp_(flat(average), flat(params), 0.005)
        log_alpha.sub_(0.005 * (3.0 * A - log_prob))


name = "torch-compile" if options.compile else "torch-eager"
timing.report(f"{name} {torch.__version__}", options.seconds, step,
              compiles=options.compile)
