"""One SAC update in JAX: twin critics, ReLU, automatic temperature.

Written from the formulas, for comparison only.
"""

import timing

options = timing.parse(
    __doc__, lambda parser: parser.set_defaults(hidden=[256, 256]))
jax = timing.jax()
import jax.numpy as jnp

B, O, A, H = options.batch, options.obs, options.act, options.hidden


def network(key, sizes):
    keys = jax.random.split(key, len(sizes) - 1)
    return [(jax.random.normal(k, (i, o)) / i**0.5, jnp.zeros(o))
            for k, i, o in zip(keys, sizes[:-1], sizes[1:])]


def apply(params, x):
    for weight, bias in params[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    return x @ params[-1][0] + params[-1][1]


def act(actor, obs, key):
    """Returns a squashed Gaussian action and its log density."""
    mean, log_std = jnp.split(apply(actor, obs), 2, -1)
    log_std = jnp.clip(log_std, -20, 2)
    noise = jax.random.normal(key, mean.shape)
    u = mean + jnp.exp(log_std) * noise
    log_prob = (-0.5 * noise**2 - log_std - 0.9189385
                - 2 * (0.6931472 - u - jax.nn.softplus(-2 * u)))
    return jnp.tanh(u), log_prob.sum(-1)


def critics(params, obs, action):
    x = jnp.concatenate([obs, action], -1)
    return jax.vmap(lambda one: apply(one, x)[..., 0])(params)


def adam(params, grads, moments, count, rate=3e-4):
    m, v = moments
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
    a, b = 1 - 0.9**count, 1 - 0.999**count
    moved = jax.tree.map(
        lambda p, m, v: p - rate * (m / a) / (jnp.sqrt(v / b) + 1e-8),
        params, m, v)
    return moved, (m, v)


def update(state, batch, key):
    obs, action, reward, next_obs, terminated = batch
    key_target, key_actor = jax.random.split(key)
    alpha, count = jnp.exp(state["log_alpha"]), state["count"] + 1
    next_action, log_prob = act(state["actor"], next_obs, key_target)
    target = reward + 0.99 * (1 - terminated) * (
        critics(state["target"], next_obs, next_action).min(0)
        - alpha * log_prob)

    def critic_loss(params):
        return ((critics(params, obs, action) - target)**2).mean(1).sum()

    grads = jax.grad(critic_loss)(state["critics"])
    new_critics, critic_moments = adam(state["critics"], grads,
                                       state["critic_moments"], count)

    def actor_loss(params):
        chosen, log_prob = act(params, obs, key_actor)
        q = critics(new_critics, obs, chosen).min(0)
        return (alpha * log_prob - q).mean(), log_prob.mean()

    grads, mean_log_prob = jax.grad(actor_loss, has_aux=True)(state["actor"])
    actor, actor_moments = adam(state["actor"], grads, state["actor_moments"],
                                count)
    return dict(
        critics=new_critics, critic_moments=critic_moments, actor=actor,
        actor_moments=actor_moments, count=count,
        target=jax.tree.map(lambda t, n: 0.995 * t + 0.005 * n,
                            state["target"], new_critics),
        log_alpha=state["log_alpha"] + 3e-4 * (mean_log_prob - A))


def zeros(params):
    return jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.zeros_like,
                                                              params)


keys = jax.random.split(jax.random.key(0), 8)
twins = jax.tree.map(lambda *pair: jnp.stack(pair),
                     network(keys[0], [O + A, *H, 1]),
                     network(keys[1], [O + A, *H, 1]))
actor = network(keys[2], [O, *H, 2 * A])
state = dict(critics=twins, target=jax.tree.map(jnp.array, twins), actor=actor,
             critic_moments=zeros(twins), actor_moments=zeros(actor),
             count=jnp.float32(0), log_alpha=jnp.float32(0))
batch = (jax.random.normal(keys[3], (B, O)),
         jax.random.uniform(keys[4], (B, A), minval=-1, maxval=1),
         jax.random.normal(keys[5], (B,)), jax.random.normal(keys[6], (B, O)),
         jnp.zeros(B))
step = jax.jit(update, donate_argnums=0)


def call():
    global state
    state = step(state, batch, keys[7])
    jax.block_until_ready(state)


timing.report(f"jax {jax.__version__}", options.seconds, call)
