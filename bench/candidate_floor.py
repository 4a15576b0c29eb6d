"""How narrow a policy reverse sampling can teach with K candidates.

Targets of FLAME are weighted means of K candidates from a truncated Gaussian
around x / t. As the temperature falls the weights turn into one 1 and zeros,
and the target into the best of K, which in many dimensions is not close to the
best action. This integrates the flow that such targets define, for a critic
with its best action in the middle of the box, and prints the entropy of its
actions: no network, no optimiser, no task, so nothing else can be the reason.

    python3 bench/candidate_floor.py       (NumPy and SciPy, about a minute)
"""

import numpy as np
from scipy.special import ndtr, ndtri

BASE_STD = 0.5
ACTIONS, STEPS, SCORED = 200, 20, 1600  # midpoint steps; candidates per mean


def candidates(rng, x, t, shape):
    """Draws from N(x / t, ((1 - t) BASE_STD / t)^2) inside the box."""
    std = (1 - t) * BASE_STD / t
    low, high = ndtr((-1 - x / t) / std), ndtr((1 - x / t) / std)
    u = rng.random((len(x), *shape, x.shape[1]))
    wide = (slice(None), None, None)
    p = low[wide] + u * (high - low)[wide]
    drawn = x[wide] / t + std * ndtri(np.clip(p, 1e-15, 1 - 1e-15))
    return np.clip(drawn, -1, 1)


def velocity(rng, x, t, count):
    """The expected target of K candidates at temperature 0: (best - x) / (1 - t)."""
    t = max(t, 1e-3)
    drawn = candidates(rng, x, t, (max(1, SCORED // count), count))  # (N, R, K, A)
    best = np.square(drawn).sum(-1).argmin(-1)
    chosen = np.take_along_axis(drawn, best[..., None, None], 2)[:, :, 0]
    return (chosen.mean(1) - x) / (1 - t)


def floor(size, count):
    """Entropy (nats) and deviation per dimension of the flow's actions."""
    rng = np.random.default_rng(1)
    x = BASE_STD * rng.standard_normal((ACTIONS, size))
    h = 1 / STEPS
    for k in range(STEPS):
        middle = x + h / 2 * velocity(rng, x, k * h, count)
        x = x + h * velocity(rng, middle, (k + 0.5) * h, count)
    covariance = np.atleast_2d(np.cov(x.T))
    log_det = np.linalg.slogdet(2 * np.pi * np.e * covariance)[1]
    return log_det / 2, np.sqrt(np.trace(covariance) / size)


print("dimensions  candidates  entropy, nats  per dimension  deviation")
for size in (1, 3, 6, 17):
    for count in (16, 32, 100, 400, 1600):
        entropy, std = floor(size, count)
        print(f"{size:10} {count:11} {entropy:14.2f} {entropy / size:14.2f} {std:10.3f}")
