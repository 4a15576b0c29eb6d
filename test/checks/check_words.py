"""Tracked text speaks about Phlox alone, and promises nothing unfinished.

No path of one person's machine, no mark of work left over unless it names an
issue: TODO(#12).
"""

import re

import checks

RULES = {
    "a path of one machine":
        re.compile(r"(?<![\w.~-])/(home|root|Users|mnt|media)/\w"),
    "unfinished work":
        re.compile(r"\b(TODO(?!\(#\d+\))|FIXME|XXX|HACK)\b|\bfor now\b"),
}
OWN = "check_words.py"


def check(root):
    complaints = []
    for path in checks.files(root):
        if path.name == OWN:
            continue
        for number, line in enumerate(checks.read(root, path).split("\n"), 1):
            for what, rule in RULES.items():
                match = rule.search(line)
                if match:
                    complaints.append(f"{path}:{number}: must not hold {what}: "
                                      f"got '{match.group().strip()}'")
    return complaints


checks.run(
    check,
    {"README.md": "Build in build/release/home/x; TODO(#12): a table.\n"
                  "See /usr/lib and the folder home/x.\n"},
    [({"a.cpp": "// see /home/me/notes.txt\n"}, "a path of one machine"),
     ({"a.cpp": "x = '/root/b';\n"}, "a path of one machine"),
     ({"a.h": "// TODO: later\n"}, "unfinished work"),
     ({"a.h": "// good enough for now\n"}, "unfinished work")])
