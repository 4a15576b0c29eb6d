"""The example line-fit: its artifact learns the line that it is shown.

Usage: line_fit_test.py LINE_FIT RUNTIME_LIBRARY
"""

import ctypes
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM, LIBRARY = sys.argv[1:3]
del sys.argv[1:3]
FLOATS = ctypes.c_float * 64


class Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("bytes", ctypes.c_uint64)]


class Runtime:
    """The few calls of the C ABI that the test needs."""

    def __init__(self, path):
        self.library = ctypes.CDLL(LIBRARY)
        self.library.phlox_status_message.restype = ctypes.c_char_p
        self.executable = self.make("phlox_executable_load", path.encode())
        self.pool = self.make("phlox_pool_create", 1)
        self.state = self.make("phlox_state_create", self.executable)

    def call(self, name, *arguments):
        function = getattr(self.library, name)
        function.restype = ctypes.c_void_p
        status = function(*arguments)
        if status:
            raise RuntimeError(self.library.phlox_status_message(
                ctypes.c_void_p(status)).decode())

    def make(self, name, *arguments):
        made = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(made))
        return made

    def run(self, name, inputs, outputs):
        entry = self.make("phlox_entry_create", self.executable, name.encode(),
                          self.pool)
        buffers = [(Buffer * max(len(values), 1))(
            *[Buffer(ctypes.addressof(value), ctypes.sizeof(value))
              for value in values]) for values in (inputs, outputs)]
        self.call("phlox_entry_run", entry, self.state, buffers[0],
                  ctypes.c_size_t(len(inputs)), buffers[1],
                  ctypes.c_size_t(len(outputs)))
        self.library.phlox_entry_free(entry)

    def leaf(self, name):
        desc, address = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("phlox_state_leaf", self.state, name.encode(),
                  ctypes.byref(desc), ctypes.byref(address))
        return ctypes.cast(address, ctypes.POINTER(ctypes.c_float))[0]


class LineFitTest(unittest.TestCase):
    def test_artifact_learns_the_line(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "line.so"
            subprocess.run([PROGRAM, str(path)], check=True, timeout=60)
            self.assertTrue(path.with_suffix(".h").exists())
            runtime = Runtime(str(path))
            runtime.run("init", [ctypes.c_uint64(7)], [])
            xs = [i / 32 - 1 for i in range(64)]
            x = FLOATS(*xs)
            y = FLOATS(*[3 * value + 1 for value in xs])
            losses = []
            for _ in range(200):
                loss = ctypes.c_float()
                runtime.run("train_step", [x, y], [loss])
                losses.append(loss.value)
        # the first loss is the mean of y^2, the last nearly 0
        self.assertAlmostEqual(losses[0], sum(v * v for v in y) / 64, places=4)
        self.assertLess(losses[-1], 1e-4)
        self.assertAlmostEqual(runtime.leaf("weight"), 3, delta=0.02)
        self.assertAlmostEqual(runtime.leaf("bias"), 1, delta=0.02)

    def test_wrong_usage_and_place(self):
        self.assertEqual(subprocess.run([PROGRAM], stderr=subprocess.PIPE)
                         .returncode, 2)
        result = subprocess.run([PROGRAM, "/nowhere/at/all.so"],
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"\Aline-fit: .*/nowhere/at/all[^\n]*\n")


if __name__ == "__main__":
    unittest.main()
