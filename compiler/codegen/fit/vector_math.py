"""Fits the polynomials of VectorMath.cpp and prints them, highest power first.

Each fit minimizes the largest weighted error over a dense grid (least squares,
reweighted until the peaks are level). Coefficients are rounded to f32 one by
one from the lowest power up, and the rest is fitted again after each.
Needs numpy and the standard library's erf: python3 vector_math.py
"""

import math

import numpy


def minimax(x, target, weight, powers, fixed):
    """Fits sum c_k x^k to target; `fixed` holds coefficients that are set."""
    rest = target - sum(c * x**k for k, c in fixed.items())
    free = [k for k in powers if k not in fixed]
    matrix = numpy.stack([x**k for k in free], axis=1) * weight[:, None]
    scale = numpy.abs(matrix).max(axis=0)
    emphasis = numpy.ones_like(x)
    best, best_error = None, numpy.inf
    for _ in range(200):
        root = numpy.sqrt(emphasis)[:, None]
        solution = numpy.linalg.lstsq(matrix / scale * root,
                                      rest * weight * root[:, 0], rcond=None)[0]
        error = numpy.abs(matrix / scale @ solution - rest * weight)
        if error.max() < best_error:
            best, best_error = solution / scale, error.max()
        emphasis *= error + 1e-3 * error.max()
        emphasis /= emphasis.sum()
    return dict(zip(free, best)), best_error


def fit(name, x, target, weight, degree):
    fixed, powers = {}, range(degree + 1)
    for k in powers:
        solution, _ = minimax(x, target, weight, powers, fixed)
        fixed[k] = float(numpy.float32(solution[k]))
    error = numpy.abs(sum(c * x**k for k, c in fixed.items()) - target) * weight
    text = ", ".join("%.9g" % fixed[k] for k in reversed(powers))
    print(f"{name}: {error.max():.1e}\n  {{{text}}}")


def grid(low, high, count=4001):
    """Chebyshev points: dense at both ends, none at 0."""
    angle = (numpy.arange(count) + 0.5) / count * math.pi
    return low + (high - low) * (1 - numpy.cos(angle)) / 2


def each(function, x):
    return numpy.array([function(v) for v in x])


def main():
    # ln(1 + w) / w on (0, 1], relative
    x = grid(0, 1)
    target = numpy.log1p(x) / x
    fit("log1p", x, target, 1 / target, 9)
    # (e^r - 1 - r) / r^2, error relative to e^r - 1; a series, as the
    # difference cancels
    x = grid(-0.3467, 0.3467)
    target = sum(x**k / math.factorial(k + 2) for k in range(18))
    weight = numpy.abs(x / (1 + x * target))
    fit("expm1", x, target, weight, 5)
    # erf(x) / x - 1 in s = x^2, |x| < 0.925, relative
    x = grid(1e-4, 0.925)
    target = each(math.erf, x) / x
    fit("erf, centre", x**2, target - 1, 1 / target, 6)
    # -ln erfc(t), 0.92 < t < 3.95, error of erf
    x = grid(0.92, 3.95)
    target = each(math.erfc, x)
    fit("erf, outside", x, -numpy.log(target), target / (1 - target), 6)
    # (sin r - r) / r^3 and (cos r - 1 + r^2 / 2) / r^4 in s = r^2
    x = grid(0.0001, math.pi / 4 * 1.0001)
    s = x**2
    target = sum((-1)**(k + 1) * s**k / math.factorial(2 * k + 3)
                 for k in range(10))
    fit("sin", s, target, s * x / numpy.sin(x), 2)
    target = sum((-1)**k * s**k / math.factorial(2 * k + 4) for k in range(10))
    fit("cos", s, target, s**2 / numpy.cos(x), 2)


main()
