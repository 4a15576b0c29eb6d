"""One FLAME-R update, or one best-of-P action, in JAX.

Written from the formulas, for comparison only. Two structures of the same
mathematics:
  ref    the K proposals of a noisy action pass through the actor one by one,
         and the observation passes through the critics K times
  tuned  the actor runs once per state (the sum over K collapses to a weighted
         mean), the observation's half of the critics' first layer runs once
         per state, both critics are one batched product
"""

import timing


def add_options(parser):
    parser.add_argument("--variant", default="ref", choices=["ref", "tuned"])
    parser.add_argument("--mode", default="train", choices=["train", "sample"])
    parser.add_argument("--proposals", type=int, default=100)
    parser.add_argument("--particles", type=int, default=32)
    parser.add_argument("--entropy-steps", type=int, default=2)
    parser.add_argument("--cheap-mish", action="store_true",
                        help="mish by one exponential and one division")


options = timing.parse(__doc__, add_options)
jax = timing.jax()
import jax.numpy as jnp

B, O, A = options.batch, options.obs, options.act
K, P, N = options.proposals, options.particles, options.entropy_steps
H, TIME = options.hidden, 16  # widths, size of the embedding


def mish(x):
    if not options.cheap_mish:
        return x * jnp.tanh(jax.nn.softplus(x))
    # tanh(ln(1 + w)) = n / (n + 2), n = w (w + 2); 1 in f32 from x = 10 on
    w = jnp.exp(jnp.minimum(x, 10.0))
    n = w * (w + 2)
    return x * (n / (n + 2))


def dense(key, i, o):
    draw = jax.random.truncated_normal(key, -2, 2, (i, o))
    return draw / jnp.sqrt(i), jnp.zeros((o,))


def network(key, i, o):
    sizes = [i, *H, o]
    keys = jax.random.split(key, len(H) + 1)
    return [dense(k, *pair) for k, pair in zip(keys, zip(sizes, sizes[1:]))]


def apply(params, x):
    for weight, bias in params[:-1]:
        x = mish(x @ weight + bias)
    return x @ params[-1][0] + params[-1][1]


def make_actor(key):
    first, second, third = jax.random.split(key, 3)
    return {"time": [dense(first, TIME, 2 * TIME),
                     dense(second, 2 * TIME, TIME)],
            "net": network(third, O + A + TIME, A)}


def embed(params, t):
    half = TIME // 2
    angle = t[..., None] * 10000.0**(-jnp.arange(half) / half)
    x = jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], -1) / jnp.sqrt(TIME)
    return apply(params, x)


def velocity(params, obs, x, t):
    e = jnp.broadcast_to(embed(params["time"], t), (*obs.shape[:-1], TIME))
    return apply(params["net"], jnp.concatenate([obs, x, e], -1))


def critic(params, obs, action):
    return apply(params, jnp.concatenate([obs, action], -1))[..., 0]


def scores(first, second, obs, actions):
    """Least value of both critics, actions (B, K, A) -> (B, K)."""
    if options.variant == "ref":
        many = jnp.repeat(obs[:, None], actions.shape[1], 1)
        return jnp.minimum(critic(first, many, actions),
                           critic(second, many, actions))
    both = jax.tree.map(lambda a, b: jnp.stack([a, b]), first, second)
    weight, bias = both[0]
    of_obs = jnp.einsum("bo,coh->cbh", obs, weight[:, :O]) + bias[:, None]
    h = of_obs[:, :, None] + jnp.einsum("bka,cah->cbkh", actions, weight[:, O:])
    h = mish(h).reshape(2, -1, H[0])
    for weight, bias in both[1:-1]:
        h = mish(jnp.einsum("cnh,chg->cng", h, weight) + bias[:, None])
    weight, bias = both[-1]
    q = jnp.einsum("cnh,cho->cno", h, weight)[..., 0] + bias
    return q.min(0).reshape(actions.shape[:2])


def sample(actor, first, second, obs, key):
    """Returns the best of P one-step actions."""
    x = 0.5 * jax.random.normal(key, (obs.shape[0], P, A))
    many = jnp.repeat(obs[:, None], P, 1)
    x = (x + velocity(actor, many, x, jnp.zeros(x.shape[:-1]))).clip(-1, 1)
    if P == 1:
        return x[:, 0]
    best = scores(first, second, obs, x).argmax(1)
    return jnp.take_along_axis(x, best[:, None, None], 1)[:, 0]


def log_density(actor, obs, x, key):
    """Integrates back to the noise with one Hutchinson probe."""
    probe = jax.random.normal(key, x.shape)

    def step(carry, t):
        x, trace = carry
        v, pull = jax.vjp(
            lambda y: velocity(actor, obs, y, jnp.full(y.shape[:-1], t)), x)
        trace = trace + (pull(probe)[0] * probe).sum(-1) / N
        return (x - v / N, trace), None

    start = (x, jnp.zeros(x.shape[:-1]))
    (x, trace), _ = jax.lax.scan(step, start, jnp.linspace(1.0, 1.0 / N, N))
    return jax.scipy.stats.norm.logpdf(x).sum(-1) - trace


def adam(params, grads, m, v, count, rate=3e-4):
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
    a, b = 1 - 0.9**count, 1 - 0.999**count
    moved = jax.tree.map(
        lambda p, m, v: p - rate * (m / a) / (jnp.sqrt(v / b) + 1e-8),
        params, m, v)
    return moved, m, v


def update(state, batch, key):
    obs, action, reward, next_obs, terminated = batch
    keys = jax.random.split(key, 6)
    first, second, actor = state["params"]
    alpha = jnp.exp(state["log_alpha"])

    # what the critics regress on
    chosen = sample(actor, first, second, next_obs, keys[0])
    log_prob = log_density(actor, next_obs, chosen, keys[1])
    target_first, target_second, target_actor = state["average"]
    value = jnp.minimum(critic(target_first, next_obs, chosen),
                        critic(target_second, next_obs, chosen))
    target = jax.lax.stop_gradient(
        0.2 * reward + (1 - terminated) * 0.99 * (value - alpha * log_prob))

    def critic_loss(params):
        return ((critic(params, obs, action) - target)**2).mean()

    # what the velocity regresses on: weighted clean actions
    t = jax.random.uniform(keys[2], (B, 1), minval=1e-3, maxval=0.9946)
    noise = jax.random.normal(keys[3], action.shape)
    x = (t * action + (1 - t) * noise).clip(-1, 1)
    low, high = (((x + sign * t) / (1 - t))[:, None] for sign in (-1, 1))
    drawn = jax.random.truncated_normal(keys[4], low, high, (B, K, A))
    clipped = jnp.clip(jax.random.normal(keys[5], (B, K, A)), low, high)
    drawn = jnp.where(jnp.isnan(drawn), clipped, drawn)
    clean = (x[:, None] - (1 - t)[:, None] * drawn) / t[:, None]
    weights = jax.nn.softmax(
        scores(first, second, obs, clean) / jnp.maximum(alpha, 1e-3), 1)
    goal = clean - drawn

    def actor_loss(params):
        if options.variant == "ref":
            many = [jnp.repeat(v[:, None], K, 1) for v in (obs, x, t[:, 0])]
            error = (velocity(params, *many) - goal)**2
            return (weights[..., None] * error).mean()
        mean = (weights[..., None] * goal).sum(1)
        error = (velocity(params, obs, x, t[:, 0]) - mean)**2
        return error.sum() / (B * K * A)

    losses = (critic_loss, critic_loss, actor_loss)
    valued = [jax.value_and_grad(loss)(params)
              for loss, params in zip(losses, state["params"])]
    grads = tuple(grad for _, grad in valued)
    count = state["count"] + 1
    params, m, v = adam(state["params"], grads, state["m"], state["v"], count)
    average = jax.tree.map(lambda a, p: 0.995 * a + 0.005 * p,
                           state["average"], params)
    entropy = -log_prob.mean()
    new = dict(params=params, average=average, m=m, v=v, count=count,
               log_alpha=state["log_alpha"] - 0.005 * (entropy + 3.0 * A))
    return new, [value for value, _ in valued] + [entropy]


keys = jax.random.split(jax.random.key(0), 8)
params = (network(keys[0], O + A, 1), network(keys[1], O + A, 1),
          make_actor(keys[2]))
state = dict(params=params, average=jax.tree.map(jnp.array, params),
             m=jax.tree.map(jnp.zeros_like, params),
             v=jax.tree.map(jnp.zeros_like, params), count=jnp.float32(0),
             log_alpha=jnp.float32(0))
batch = (jax.random.normal(keys[3], (B, O)),
         jax.random.uniform(keys[4], (B, A), minval=-1, maxval=1),
         jax.random.normal(keys[5], (B,)), jax.random.normal(keys[6], (B, O)),
         jnp.zeros(B))
step = jax.jit(update, donate_argnums=0)
choose = jax.jit(sample)


def train():
    global state
    state, metrics = step(state, batch, keys[7])
    jax.block_until_ready((state, metrics))


def act():
    first, second, actor = state["params"]
    jax.block_until_ready(choose(actor, first, second, batch[0], keys[7]))


mish_name = "+cheap" if options.cheap_mish else ""
timing.report(f"jax-{options.variant}{mish_name} {jax.__version__}",
              options.seconds,
              train if options.mode == "train" else act)
