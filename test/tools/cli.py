"""What the tests of the command line share: running it, and tensors on disk."""

import csv
import json
import math
import os
import pathlib
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
# a SAC small enough to compile and train in a moment
TINY = ["--set", "actor.hidden=[8]", "--set", "critic.hidden=[8]",
        "--set", "batch=16", "--set", "num_envs=4", "--set", "eval.num_envs=2"]
LETTERS = {"F32": "f", "F64": "d", "U64": "Q", "I32": "i", "BOOL": "?",
           "U8": "B"}


def phlox(*words, cwd=None, timeout=100, file_limit=None, env=None):
    """Runs the program to its end."""
    def limit():
        if file_limit is not None:
            # too large a file is an error of write, as on a full disk
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, cwd=cwd,
                          timeout=timeout, preexec_fn=limit,
                          restore_signals=False,
                          env={**os.environ, **(env or {})})


def write_tensors(path, tensors):
    """Writes {name: (dtype, shape, values)}."""
    header, data = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        part = struct.pack(f"<{len(values)}{LETTERS[dtype]}", *values)
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_tensors(path):
    """Reads {name: values}."""
    content = pathlib.Path(path).read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    data = content[8 + size:]
    tensors = {}
    for name, row in json.loads(content[8:8 + size]).items():
        if name != "__metadata__":
            begin, end = row["data_offsets"]
            letter = LETTERS[row["dtype"]]
            count = (end - begin) // struct.calcsize("<" + letter)
            tensors[name] = struct.unpack(f"<{count}{letter}", data[begin:end])
    return tensors


def batch(value=0.5, size=16):
    """Inputs of train_step for the tiny program on lqr."""
    wave = [value * math.sin(i) for i in range(size)]
    return {"obs": ("F32", [size, 1], wave), "action": ("F32", [size, 1], wave),
            "reward": ("F32", [size], wave),
            "next_obs": ("F32", [size, 1], wave),
            "terminated": ("F32", [size], [0.0] * size)}


def memory_folder():
    """A folder in memory, where small syncs are quick, or None."""
    memory = "/dev/shm"
    try:
        noexec = os.statvfs(memory).f_flag & os.ST_NOEXEC
    except OSError:
        return None
    return memory if os.access(memory, os.W_OK) and not noexec else None


def rows(path):
    """Rows of a table without what depends on the time of day."""
    with open(path, newline="") as file:
        return [{key: value for key, value in row.items()
                 if not re.match(r"charts_SPS|charts_updates_per_sec|time_|"
                                 r"system_|wall_s|eval_sample_us|sample_us",
                                 key)}
                for row in csv.DictReader(file)]


class CliTest(unittest.TestCase):
    """A folder of its own, with a tiny artifact for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(dir=memory_folder()))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        # entries of the cache must not outlive or leave the test
        os.environ["XDG_CACHE_HOME"] = str(cls.folder / "cache")
        cls.artifact = cls.folder / "tiny.so"
        made = phlox("compile", "sac", "--env", "lqr", *TINY,
                     "-o", cls.artifact)
        if made.returncode:
            raise RuntimeError(made.stderr)

    def setUp(self):
        self.place = pathlib.Path(tempfile.mkdtemp(dir=self.folder))

    def succeed(self, *words, **options):
        result = phlox(*words, **options)
        self.assertEqual((result.returncode, result.stderr), (0, ""), words)
        return result.stdout

    def fail_with(self, status, text, *words, **options):
        """One line on stderr that matches, nothing on stdout."""
        result = phlox(*words, **options)
        self.assertEqual((result.returncode, result.stdout), (status, ""),
                         result.stderr)
        self.assertRegex(result.stderr, r"\Aphlox: [^\n]+\n\Z")
        if text:
            self.assertRegex(result.stderr, text)
