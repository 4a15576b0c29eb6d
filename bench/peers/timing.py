"""What the peers' scripts share: options, threads, and the line they print."""

import argparse
import json
import os
import sys
import time


def widths(text):
    """Returns the widths of hidden layers, written with commas."""
    return [int(width) for width in text.split(",")]


def parse(description, add):
    """Reads the options; must run before the framework is imported."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--obs", type=int, default=17)
    parser.add_argument("--act", type=int, default=6)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--hidden", type=widths, default=[256, 256, 256])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    add(parser)
    options = parser.parse_args()
    # XLA's pools take what the affinity mask allows
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < options.threads:
        sys.exit(f"threads must be at most {len(allowed)}: "
                 f"got {options.threads}")
    os.sched_setaffinity(0, allowed[:options.threads])
    return options


def jax():
    """Imports JAX for the CPU, or ends with one line."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        import jax as module
    except ImportError as error:
        sys.exit(str(error))
    return module


def report(peer, seconds, call, compiles=True):
    """Times calls for about `seconds`, at least 5, and prints the line.

    The first call is told apart where it compiles.
    """
    begin = time.perf_counter()
    call()
    first = time.perf_counter() - begin
    times = []
    while len(times) < 5 or sum(times) < seconds:
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    times.sort()
    row = {"peer": peer, "median_us": 1e6 * times[len(times) // 2],
           "min_us": 1e6 * times[0], "max_us": 1e6 * times[-1]}
    if compiles:
        row["first_us"] = 1e6 * first
    print(json.dumps(row))
