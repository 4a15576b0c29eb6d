"""The launcher, in a checkout of its own with stand-ins for apt and the build.

Runs as an ordinary user, so that the cases without root mean something.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

LAUNCHER = pathlib.Path(__file__).resolve().parents[2] / "phlox"
NOBODY = 65534

# Each writes its name and arguments to the journal; ${0%/*} is their folder.
STAND_INS = {
    "dpkg-query": 'sed "s/^/installed /" ${0%/*}/installed',
    "apt-get": 'case "$*" in indextargets*) echo http://there/debian/;; '
               '*install*) printf "%s\\n" "${@: -1}" '
               '>>${0%/*}/installed;; esac',
    "apt-cache": 'shift; for name; do echo "$name:"; '
                 'echo "  Candidate: $(cat ${0%/*}/candidate)"; done',
    "sudo": 'test -e ${0%/*}/may_sudo || exit 1; '
            '[[ $1 == -n ]] && shift; exec "$@"',
    "cmake": "mkdir -p build/release/bin; echo 'CMAKE_HOME_DIRECTORY:INTERNAL="
             "'$PWD >build/release/CMakeCache.txt; touch "
             "build/release/build.ninja",
    "ninja": 'mkdir ${0%/*}/building || exit 3; sleep 0.05; '
             'rmdir ${0%/*}/building; echo "[1/20] x"; '
             'if grep -q broken $2/../../dsl/a.cpp 2>/dev/null; then '
             'echo "a.cpp:1: error: broken"; exit 1; fi; '
             'printf "#!/bin/bash\\necho ran \\"\\$@\\"\\n" >$2/bin/phlox; '
             'chmod +x $2/bin/phlox',
    "ctest": "true",
}


def packages():
    """Returns the launcher's own list of packages."""
    text = LAUNCHER.read_text().split("packages=(")[1].split("\n)")[0]
    return [word for line in text.split("\n")
            for word in line.split("#")[0].split()]


class LauncherTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.tools = self.root / "tools_of_test"
        shutil.copy(LAUNCHER, self.root / "phlox")
        for folder in ["cmake", "dsl", "tools_of_test"]:
            (self.root / folder).mkdir()
        (self.root / "cmake/fetch_assets.sh").write_text(
            '#!/bin/bash\nmkdir -p "$1/mujoco"\n')
        (self.root / "cmake/fetch_assets.sh").chmod(0o755)
        for name in ["CMakePresets.json", "CMakeLists.txt", "dsl/a.cpp"]:
            (self.root / name).write_text("")
        for name, body in STAND_INS.items():
            path = self.tools / name
            path.write_text('#!/bin/bash\necho "${0##*/} $*" >>${0%/*}/journal\n'
                            + body + "\n")
            path.chmod(0o755)
        (self.tools / "installed").write_text("\n".join(packages()) + "\n")
        (self.tools / "candidate").write_text("1.0\n")
        if os.geteuid() == 0:
            for path in [self.root, *self.root.rglob("*")]:
                os.chown(path, NOBODY, NOBODY)

    def start(self, *arguments):
        """Starts the launcher and returns its process."""
        command = [str(self.root / "phlox"), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                       "--clear-groups", "--", *command]
        env = {"PATH": f"{self.tools}:/usr/bin:/bin"}
        return subprocess.Popen(command, env=env, cwd="/", text=True,
                                stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def launch(self, *arguments):
        """Returns exit status, stdout, stderr and what was called meanwhile."""
        journal = self.tools / "journal"
        journal.unlink(missing_ok=True)
        process = self.start(*arguments)
        out, err = process.communicate(timeout=30)
        return (process.returncode, out, err,
                journal.read_text() if journal.exists() else "")

    def remove(self, package):
        listed = [name for name in packages() if name != package]
        (self.tools / "installed").write_text("\n".join(listed) + "\n")

    def test_first_start_builds_and_runs(self):
        status, out, err, calls = self.launch("inspect", "a b", "--json")
        self.assertEqual((status, out), (0, "ran inspect a b --json\n"), err)
        self.assertIn("ninja", calls)
        self.assertNotIn("apt-get", calls)
        self.assertIn("building", err)

    def test_second_start_only_runs(self):
        self.launch()
        seconds = []
        for _ in range(5):
            begin = time.monotonic()
            status, out, err, calls = self.launch("x")
            seconds.append(time.monotonic() - begin)
            self.assertEqual((status, out, err, calls), (0, "ran x\n", "", ""))
        self.assertLess(min(seconds), 0.2)

    def test_changes_build_again(self):
        self.launch()
        source = self.root / "dsl/a.cpp"
        old = source.stat().st_mtime - 1000
        changes = [lambda: source.write_text("int a;"),
                   lambda: os.utime(source, (old, old)),
                   source.unlink,
                   lambda: (self.root / "build/release/bin/phlox").unlink()]
        for change in changes:
            time.sleep(0.02)
            change()
            self.assertIn("ninja", self.launch()[3])
            self.assertEqual(self.launch()[3], "")

    def test_moved_checkout_configures_afresh(self):
        self.launch()
        cache = self.root / "build/release/CMakeCache.txt"
        cache.write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/elsewhere\n")
        (self.root / "dsl/b.cpp").write_text("")
        self.assertIn("cmake --preset release --fresh", self.launch()[3])

    def test_without_root_says_what_is_missing(self):
        self.remove("libfmt-dev")
        status, out, err, calls = self.launch("x")
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, "root or sudo is required.*libfmt-dev\n")
        self.assertNotIn("apt-get", calls)
        self.assertNotIn("ninja -C", calls)

    def test_without_candidate_names_the_suite(self):
        self.remove("mlir-22-tools")
        (self.tools / "may_sudo").touch()
        (self.tools / "candidate").write_text("(none)\n")
        status, _, err, calls = self.launch("x")
        self.assertEqual(status, 1)
        # where the suite is there already, or would not fit, it is not added
        suite = pathlib.Path("/etc/apt/sources.list.d/bookworm-security.list")
        release = pathlib.Path("/etc/os-release").read_text()
        if suite.exists() or "bookworm" not in release:
            self.assertIn("apt must offer mlir-22-tools: got no candidate", err)
        else:
            self.assertIn("apt needs the line 'deb http://there/debian-security "
                          "bookworm-security main' in ", err)
        self.assertNotIn(" install ", calls)

    def test_with_sudo_installs_only_what_is_missing(self):
        self.remove("mlir-22-tools")
        (self.tools / "may_sudo").touch()
        status, out, err, calls = self.launch("x")
        self.assertEqual((status, out), (0, "ran x\n"), err)
        self.assertIn("missing: mlir-22-tools\n", err)
        self.assertIn(" install mlir-22-tools\n", calls)

    def test_failed_build_shows_its_errors_and_is_tried_again(self):
        (self.root / "dsl/a.cpp").write_text("broken")
        for _ in range(2):
            status, out, err, calls = self.launch("x")
            self.assertEqual((status, out), (1, ""))
            self.assertIn("a.cpp:1: error: broken", err)
            self.assertIn("ninja", calls)

    def test_two_at_once_build_one_after_the_other(self):
        both = [self.start("x"), self.start("x")]
        for process in both:
            out, err = process.communicate(timeout=30)
            self.assertEqual((process.returncode, out), (0, "ran x\n"), err)

    def test_verb_test_runs_ctest(self):
        status, _, err, calls = self.launch("test", "--fast", "-R", "name")
        self.assertEqual(status, 0, err)
        last = calls.splitlines()[-1]
        self.assertRegex(last, "^ctest .*--no-tests=error .*-LE slow -R name$")
        self.assertRegex(calls, "ninja .* all\n")


if __name__ == "__main__":
    if shutil.which("setpriv") is None and os.geteuid() == 0:
        sys.exit("setpriv must be installed to test as root: got none")
    unittest.main()
