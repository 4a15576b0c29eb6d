"""Batch renormalisation and a residual network in JAX, f64, with gradients.

Written from the papers' formulas alone; shares nothing with the sources under
test. Run where jax, numpy and safetensors are installed:
  python make_layers.py
writes renorm.safetensors and residual.safetensors beside itself: state/LEAF,
input/NAME, expect/LEAF (after the step), metric/NAME.
"""
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import save_file

jax.config.update("jax_enable_x64", True)
rng = np.random.default_rng(5)


def f32(x):
    return np.asarray(x, np.float32)


def save(name, state, inputs, expect, metrics):
    tensors = {}
    for kind, group in [("state", state), ("input", inputs)]:
        tensors |= {f"{kind}/{k}": f32(v) for k, v in group.items()}
    for kind, group in [("expect", expect), ("metric", metrics)]:
        tensors |= {f"{kind}/{k}": np.asarray(v, np.float64) for k, v in group.items()}
    save_file(tensors, pathlib.Path(__file__).with_name(name + ".safetensors"))


def wide(group):
    return {k: jnp.asarray(f32(v), jnp.float64) for k, v in group.items()}


# Ioffe 2017, algorithm 1; r and d are constants to the gradient
R_MAX, D_MAX, RATE, EPSILON = 2, .75, .125, 2.**-10
state = {"norm/scale": rng.uniform(.5, 2, 5), "norm/shift": rng.normal(size=5),
         # deviations and means of the batch within and beyond the limits
         "norm/mean": [0, .2, 3, -2, .1], "norm/variance": [1, 30, .01, 1.5, .8]}
inputs = {"x": rng.normal(size=(4, 3, 5)) * [1, .7, 1.5, 2, .8], "weight": rng.normal(size=(4, 3, 5))}
s, given = wide(state), wide(inputs)


def renormed(x, scale, shift):
    mean, variance = x.mean((0, 1)), x.var((0, 1))
    sigma, running = jnp.sqrt(variance + EPSILON), jnp.sqrt(s["norm/variance"] + EPSILON)
    r = jax.lax.stop_gradient(jnp.clip(sigma / running, 1 / R_MAX, R_MAX))
    d = jax.lax.stop_gradient(jnp.clip((mean - s["norm/mean"]) / running, -D_MAX, D_MAX))
    moved = {"norm/mean": s["norm/mean"] + RATE * (mean - s["norm/mean"]),
             "norm/variance": s["norm/variance"] + RATE * (variance - s["norm/variance"])}
    return ((x - mean) / sigma * r + d) * scale + shift, (moved, r, d)


def loss(x, scale, shift):
    y, more = renormed(x, scale, shift)
    return (given["weight"] * y**2).sum(), (y, more)


slopes, (y, (moved, r, d)) = jax.grad(loss, (0, 1, 2), has_aux=True)(
    given["x"], s["norm/scale"], s["norm/shift"])
print("r", r, "d", d)
assert {float(v) for v in r} >= {1 / R_MAX, R_MAX} and {float(v) for v in d} >= {-D_MAX, D_MAX}
acting = (given["x"] - s["norm/mean"]) / jnp.sqrt(s["norm/variance"] + EPSILON)
save("renorm", state, inputs, moved,
     {"y": y, "acting": acting * s["norm/scale"] + s["norm/shift"],
      **dict(zip(["grad/x", "grad/scale", "grad/shift"], slopes))})

# SimBa, arXiv 2410.09754: two blocks of width 4, hidden layers of 16
LAYERS = [("input", 3, 4), ("block1/up", 4, 16), ("block1/down", 16, 4),
          ("block2/up", 4, 16), ("block2/down", 16, 4), ("output", 4, 2)]
state = {}
for name, a, b in LAYERS:
    state |= {f"net/{name}/weight": rng.normal(size=(a, b)) * .6, f"net/{name}/bias": rng.normal(size=b) * .3}
for name in ["block1/", "block2/", ""]:
    state |= {f"net/{name}scale": rng.uniform(.5, 2, 4), f"net/{name}shift": rng.normal(size=4) * .3}
inputs = {"x": rng.normal(size=(2, 3, 3)), "weight": rng.normal(size=(2, 3, 2))}
s, given = wide(state), wide(inputs)


def network(p, x):
    def dense(layer, h):
        return h @ p[f"net/{layer}/weight"] + p[f"net/{layer}/bias"]

    def norm(part, h):
        rows = (h - h.mean(-1, keepdims=True)) / jnp.sqrt(h.var(-1, keepdims=True) + 1e-6)
        return rows * p[f"net/{part}scale"] + p[f"net/{part}shift"]

    h = dense("input", x)
    for block in ["block1/", "block2/"]:
        h = h + dense(block + "down", jax.nn.relu(dense(block + "up", norm(block, h))))
    return dense("output", norm("", h))


def loss(p, x):
    return (given["weight"] * network(p, x)**2).sum()


by_leaf, by_x = jax.grad(loss, (0, 1))(s, given["x"])
save("residual", state, inputs, {},
     {"y": network(s, given["x"]), "grad/x": by_x, **{"grad/" + k: v for k, v in by_leaf.items()}})
