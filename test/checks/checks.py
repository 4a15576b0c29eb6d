"""What every check shares: the files of a tree, samples, and the verdict.

A check is a function from a root folder to a list of complaints. Before it
looks at the real tree it must reject each of its broken samples, for the reason
given there, and accept its good one; so none of them can pass vacuously.
"""

import contextlib
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = {".git", "build", "third_party", "runs", "__pycache__"}


def files(root, *suffixes):
    """Returns the tree's own files, relative to root, that end in a suffix."""
    listed = None
    if (root / ".git").exists():
        command = ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files",
                   "-z", "--cached", "--others", "--exclude-standard"]
        try:
            out = subprocess.run(command, capture_output=True, check=True)
            listed = out.stdout.decode().split("\0")
        except (OSError, subprocess.CalledProcessError):
            pass  # an exported tree: walk it
    if listed is None:
        listed = [str(path.relative_to(root)) for path in root.rglob("*")]
    paths = sorted({pathlib.Path(name) for name in listed if name})
    return [path for path in paths
            if not SKIPPED & set(path.parts) and (root / path).is_file()
            and (not suffixes or path.name.endswith(suffixes))]


def read(root, path):
    """Returns a file's text, or "" for a file that is not UTF-8."""
    try:
        return (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def write(root, tree):
    """Writes {path: text} below root."""
    for name, text in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def run(check, good, broken):
    """Runs a check on its samples, then on the tree; exits with the verdict.

    good is a tree {path: text} without complaints; broken is a list of pairs:
    a tree, laid over the good one, and a part of the complaint it must cause.
    """
    for tree, reason in [({}, None)] + broken:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            write(root, {**good, **tree})
            with contextlib.redirect_stdout(None):
                complaints = check(root)
        if reason is None and complaints:
            sys.exit(f"the good sample must pass: got {complaints}")
        if reason is not None and not any(reason in text for text in complaints):
            sys.exit(f"a broken sample must cause '{reason}': got {complaints}")
    complaints = check(ROOT)
    for text in complaints:
        print(text)
    print(f"{len(broken)} broken samples rejected, "
          f"{len(complaints)} complaints about the tree")
    sys.exit(1 if complaints else 0)
