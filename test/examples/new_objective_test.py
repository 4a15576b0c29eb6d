"""An algorithm of one's own: built out of tree against an installed Phlox,
trained, resumed, compiled ahead of time; and the plug-ins that are refused.

Usage: new_objective_test.py PROGRAM CMAKE BUILD_FOLDER SOURCE_ROOT
"""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import unittest

CMAKE = sys.argv[2]
BUILD, ROOT = (pathlib.Path(word).resolve() for word in sys.argv[3:5])
del sys.argv[2:5]
sys.path.append(str(ROOT / "test/tools"))

import cli  # noqa: E402, takes the program from the arguments
from cli import TINY, CliTest, phlox  # noqa: E402

SMALL = [*TINY, "--set", "nfe=2", "--set", "proposals=2", "--set",
         "learning_starts=100", "--set", "eval.episodes=2", "--set",
         "eval.final_episodes=3", "--quiet"]
# only registers: algorithms whose names or keys do not do
NAMED = """#include "rl/algorithms/registry.h"
const nlohmann::ordered_json key = {{"key", KEY}, {"type", "integer"},
    {"default", 1}, {"doc", "a number"}, {"least", 1}, {"most", MOST}};
const phlox::rl::Registration registration(
    {NAME, "", nlohmann::ordered_json::array({key}), {}, {}});
"""
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(Names LANGUAGES CXX)
find_package(Phlox REQUIRED)
foreach(case IN ITEMS taken:sac:rows:8 slash:a/b:rows:8 shadow:own:num_envs:8
        wild:own:env.rows:8 beyond:own:rows:0)
  string(REPLACE ":" ";" case ${case})
  list(POP_FRONT case stem name key most)
  phlox_add_algorithm(${stem} named.cpp)
  target_compile_definitions(${stem} PRIVATE NAME="${name}" KEY="${key}"
                             MOST=${most})
endforeach()
"""
# a note as plug-ins have it, over code that must not run, or may
NOTE = """#include <stdlib.h>
static const struct { unsigned sizes[3]; char name[8], text[128]; } note
    __attribute__((section(".note.phlox"), used, aligned(4))) =
        {{6, 128, 1}, "phlox", "%s"};
%s
"""
ABORT = "__attribute__((constructor)) static void run(void) { abort(); }"


def run(*command):
    done = subprocess.run([str(word) for word in command], text=True,
                          timeout=300, capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


def built(folder, name, source, *options):
    """Compiles C to a shared object."""
    (folder / f"{name}.c").write_text(source)
    run("cc", "-shared", "-fPIC", *options, "-o", folder / f"{name}.so",
        folder / f"{name}.c")
    return folder / f"{name}.so"


class NewObjectiveTest(CliTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        prefix = cls.folder / "prefix"
        run(CMAKE, "--install", BUILD, "--prefix", prefix)
        cli.PROGRAM = prefix / "bin/phlox"
        cls.make(ROOT / "examples/new-objective", cls.folder / "build")
        cls.awf = cls.folder / "build/awf.so"
        note = cls.awf.read_bytes().split(b"phlox\0\0\0", 1)[1]
        cls.abi = note[:note.index(b"\0")].decode()

    @classmethod
    def make(cls, source, build, *options):
        run(CMAKE, "-S", source, "-B", build, "-G", "Ninja",
            "-DCMAKE_CXX_FLAGS=-Werror -O1",
            "-DCMAKE_CXX_COMPILER=clang++-22",
            f"-DCMAKE_PREFIX_PATH={cls.folder / 'prefix'}", *options)
        run(CMAKE, "--build", build)

    def train(self, *words, plugin=None, **options):
        """Trains for some hundred steps and returns the run's folder."""
        self.succeed("train", "awf", "--env", "lqr", *SMALL, "--plugin",
                     plugin or self.awf, "--total-timesteps", 300, "--out",
                     self.place / "runs", "--name", "run", *words, **options)
        return self.place / "runs/run"

    def manifest(self, run):
        return json.loads((run / "manifest.json").read_text())

    def test_trains_goes_on_and_acts(self):
        run = self.train(plugin=self.awf.name, cwd=self.awf.parent)
        manifest = self.manifest(run)
        self.assertGreater(manifest["update"], 0)
        self.assertEqual(manifest["plugin"], {
            "path": str(self.awf),
            "sha256": hashlib.sha256(self.awf.read_bytes()).hexdigest()})
        self.succeed("train", "--resume", run, "--total-timesteps", 500,
                     "--quiet")
        self.assertEqual(self.manifest(run)["env_step"], 500)
        self.assertEqual(self.manifest(run)["plugin"], manifest["plugin"])
        self.succeed("eval", run, "--episodes", 2)
        # another program: compiled anew, from the manifest's plug-in
        self.succeed("eval", run, "--episodes", 2, "--particles", 3)
        self.succeed("export", run, "-o", self.place / "policy")

    def test_a_run_wants_its_own_plugin(self):
        mine = pathlib.Path(shutil.copy(self.awf, self.place / "mine.so"))
        run = self.train(plugin=mine)
        anew = ["eval", run, "--episodes", 2, "--particles", 2]
        other = self.place / "other.so"
        other.write_bytes(mine.read_bytes() + b"another build")
        mine.rename(self.place / "elsewhere.so")
        required = (r"plug-in that the run was trained with \(SHA-256 "
                    r"[0-9a-f]{12}\) must be where it was, or be named with "
                    r"--plugin: got ")
        self.succeed("eval", run, "--episodes", 2)  # has its artifact
        self.fail_with(1, required + r"no \S*/mine\.so", *anew)
        self.fail_with(1, required + r"\S*/other\.so with [0-9a-f]{12}", *anew,
                       "--plugin", other)
        self.succeed(*anew, "--plugin", self.place / "elsewhere.so")
        further = ["train", "--resume", run, "--total-timesteps", 400,
                   "--quiet"]
        self.fail_with(1, required + r"\S*/other\.so", *further, "--plugin",
                       other)
        self.succeed(*further)
        self.succeed("train", "--resume", run, "--total-timesteps", 450,
                     "--quiet", "--plugin", other, "--force")
        self.assertEqual(self.manifest(run)["plugin"]["path"], str(other))
        text = (run / "manifest.json").read_text()
        (run / "manifest.json").write_text(text.replace("sha256", "sum", 1))
        self.fail_with(1, r"manifest\.json: plugin must have a path and a "
                       "sha256: got", *anew)

    def test_artifact_of_the_same_file(self):
        artifact = self.folder / "build/awf-lqr.so"
        found = json.loads(self.succeed("inspect", artifact, "--json"))
        step, = (entry for entry in found["entries"]
                 if entry["name"] == "train_step")
        self.assertGreater(step["flops"], 1e6)
        self.assertTrue(artifact.with_suffix(".h").exists())
        self.succeed("train", "--artifact", artifact, "--total-timesteps", 300,
                     "--set", "learning_starts=200", "--quiet", "--out",
                     self.place / "runs", "--name", "run")
        self.assertGreater(self.manifest(self.place / "runs/run")["update"], 0)
        self.fail_with(2, "--plugin belong to compiling: got them beside",
                       "train", "--artifact", artifact, "--plugin", self.awf)

    def test_is_listed_and_measured(self):
        self.assertRegex(self.succeed("algorithms", "--plugin", self.awf),
                         r"(?m)^awf +flow matching")
        rows = json.loads(self.succeed("algorithms", "--json", "--plugin",
                                       self.awf))
        row, = (row for row in rows if row["name"] == "awf")
        self.assertEqual(row["plugin"], str(self.awf))
        self.assertIn("beta", [key["key"] for key in row["keys"]])
        self.fail_with(2, "algorithm must be one of .*: got 'awf'", "train",
                       "awf", "--env", "lqr")
        self.fail_with(2, "beta must be from", "train", "awf", "--env", "lqr",
                       "--plugin", self.awf, "--set", "beta=-1")
        rows = json.loads(self.succeed("bench", "awf", "--plugin", self.awf,
                                       "--json", "--seconds", 0, "--threads",
                                       1))
        self.assertEqual([(row["work"], row["mode"]) for row in rows],
                         [("awf/compile", "compile"),
                          ("awf/train_step", "compiled"),
                          ("awf/train_step", "eager"),
                          ("awf/sample_1", "compiled"),
                          ("awf/sample_1", "eager")])

    def test_sweeps_over_it(self):
        file = self.place / "both.toml"
        file.write_text('algorithms = ["sac", "awf"]\nenvs = ["lqr"]\n'
                        f'plugins = ["{self.awf}"]\nout = "{self.place}/runs"\n'
                        "[set]\n" + "\n".join(TINY[1::2])
                        + "\ntotal_timesteps = 200\nlearning_starts = 100\n"
                        "eval.final_episodes = 2\n")
        self.succeed("sweep", file)
        made = sorted(path.parent for path in
                      (self.place / "runs").glob("*/manifest.json"))
        self.assertEqual(["plugin" in self.manifest(run) for run in made],
                         [True, False])

    def refuse(self, text, plugin, *more):
        self.fail_with(1, r"\Aphlox: \S*" + text, "compile", "awf", "--env",
                       "lqr", "--plugin", plugin, *more, "-o",
                       self.place / "out.so")
        self.assertFalse((self.place / "out.so").exists())

    def test_files_that_are_no_plugins(self):
        self.refuse(r"none\.so: plug-in must be a file: got No such file",
                    self.place / "none.so")
        self.refuse(r": plug-in must be a file: got Is a directory", self.place)
        whole = self.awf.read_bytes()
        bad = self.place / "bad.so"
        shared = r"bad\.so: plug-in must be a shared object"
        for size in (0, 3, 10, 100, 5000, len(whole) // 2):
            bad.write_bytes(whole[:size])
            self.refuse(shared + ": got", bad)
        bad.write_text("no library at all, but long enough for a header" * 9)
        self.refuse(shared + ": got a file of another kind", bad)
        for place, value, text in ((16, 1, ": got another kind of ELF"),
                                   (18, 8, " for this machine: got one for"),
                                   (4, 1, " for this machine: got one for")):
            other = bytearray(whole)
            other[place] = value  # a relocatable file, MIPS, 32 bits
            bad.write_bytes(other)
            self.refuse(shared + text, bad)
        plain = built(self.place, "plain", NOTE % ("", ABORT))
        self.refuse(r"plain\.so: plug-in must be made with phlox_add_algorithm: "
                    "got a file that was not", plain)

    def test_plugins_that_do_not_fit(self):
        """None of their code runs."""
        old = "Phlox 0.0.9 (headers 0123456789ab), LLVM 21.1.0, libc++"
        self.refuse(r"old\.so: plug-in must be built for "
                    r"Phlox \d.* \(headers [0-9a-f]{12}\), LLVM 22\.\S+, "
                    r"libstdc\+\+: got " + old.replace("(", r"\(")
                    .replace(")", r"\)").replace("+", r"\+"),
                    built(self.place, "old", NOTE % (old, ABORT)))
        self.refuse(r"lacking\.so: plug-in must load: got .*undefined symbol",
                    built(self.place, "lacking", NOTE % (
                        self.abi, "extern int gone; int *it = &gone;")))
        self.refuse(r"empty\.so: plug-in must register an algorithm: got none",
                    built(self.place, "empty", NOTE % (self.abi, "")))

    def test_wrong_calls_of_cmake(self):
        (self.place / "named.cpp").write_text(NAMED)
        start = PROJECT.split("foreach", 1)[0]
        for call, text, *options in (
                ("phlox_add_artifact(a ENV lqr)",
                 r"needs ALGORITHM and ENV.*got ENV;lqr"),
                ("phlox_add_algorithm(a named.cpp)", "needs the headers of MLIR 22.*got none",
                 "-DPhlox_MLIR_INCLUDE_DIR=OFF")):
            (self.place / "CMakeLists.txt").write_text(start + call)
            with self.assertRaises(RuntimeError) as refused:
                self.make(self.place, self.place / "build", *options)
            self.assertRegex(" ".join(str(refused.exception).split()), text)

    def test_names_and_keys_that_do_not_do(self):
        source, build = self.place / "names", self.place / "build"
        source.mkdir()
        (source / "named.cpp").write_text(NAMED)
        (source / "CMakeLists.txt").write_text(PROJECT)
        self.make(source, build)
        self.refuse(r"taken\.so: plug-in's algorithms must have names of their "
                    "own: got 'sac', which Phlox has", build / "taken.so")
        self.refuse(r"slash\.so: an algorithm's name must be letters, .*: got "
                    "'a/b'", build / "slash.so")
        for stem, key in (("shadow", "num_envs"), ("wild", "env.rows")):
            self.refuse(rf"{stem}\.so: algorithm 'own': keys must be other "
                        f"than the trainer's: got '{key}'\n\\Z",
                        build / f"{stem}.so")
        self.refuse(r"beyond\.so: algorithm 'own': key 'rows' must be an integer "
                    r"from 1 to 0: got 1\n\Z", build / "beyond.so")
        copy = shutil.copy(self.awf, self.place / "copy.so")
        self.refuse(r"copy\.so: plug-in's algorithms must have names of their "
                    r"own: got 'awf', which \S*awf\.so has", self.awf,
                    "--plugin", copy)


if __name__ == "__main__":
    unittest.main()
