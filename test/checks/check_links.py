"""Relative links of the documents lead somewhere, and so do their anchors.

The README's table of commands names the verbs that have a file, all of them, and
every C++ block of it stands in a file of examples/, which is built and run.
"""

import re

import checks

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)
HEADING = re.compile(r"^#+ +(.*)$", re.M)
ROW = re.compile(r"^\| *`[^|]*", re.M)
VERB = re.compile(r"`(?:\./)?phlox ([a-z]+)")
CODE = re.compile(r"^```cpp\n(.*?)^```", re.M | re.S)
ADDED = re.compile(r"^void add_(\w+)_verb\(CLI::App", re.M)
LAUNCHER_VERBS = {"test"}


def anchors(text):
    """Returns the anchors of a document's headings as GitHub makes them."""
    titles = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-")
            for title in titles}


def words(text):
    """Returns a text without its layout."""
    return " ".join(text.split())


def check(root):
    complaints = []
    documents = checks.files(root, ".md")
    for path in documents:
        text = checks.read(root, path)
        for match in LINK.finditer(FENCE.sub("", text)):
            link = match.group(1) or match.group(2)
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = root / path.parent / name if name else root / path
            if not target.exists():
                complaints.append(f"{path}: link must lead to a file: got {link}")
            elif anchor and anchor not in anchors(
                    target.read_text(encoding="utf-8")):
                complaints.append(f"{path}: link must lead to a heading: "
                                  f"got {link}")
    readme = checks.read(root, "README.md")
    listed = set(VERB.findall("".join(ROW.findall(readme)))) - LAUNCHER_VERBS
    sources = checks.files(root / "tools/phlox", ".cpp")
    defined = {name for path in sources
               for name in ADDED.findall(checks.read(root / "tools/phlox", path))}
    for verb in sorted(listed ^ defined):
        complaints.append(f"README.md: verb {verb} must be in the table of "
                          "commands and have its file: got one of them")
    examples = [words(checks.read(root, path)) for path in
                checks.files(root, ".cpp") if path.parts[0] == "examples"]
    for block in CODE.findall(readme):
        if not any(words(block) in example for example in examples):
            complaints.append("README.md: C++ must stand in examples/: got "
                              + block.split("\n")[0])
    return complaints


checks.run(
    check,
    {"README.md": "# Two words\n[a](docs/a.md) [b](#two-words) "
                  "[c](https://phlox.invalid)\n\n| `phlox train ALGO` | x |\n"
                  "```cpp\nTensor a;\n  f(a);\n```\n",
     "examples/a.cpp": "{\n  Tensor a;\n    f(a);\n}\n",
     "docs/a.md": "[back](../README.md#two-words)\n",
     "tools/phlox/train.cpp": "void add_train_verb(CLI::App &app) {\n"},
    [({"docs/b.md": "[x](missing.md)\n"}, "must lead to a file: got missing.md"),
     ({"docs/b.md": "[x](../README.md#three)\n"}, "must lead to a heading"),
     ({"README.md": "| `./phlox fly` | x |\n# Two words\n"},
      "verb fly must"),
     ({"tools/phlox/run.cpp": "void add_run_verb(CLI::App &app) {\n"},
      "verb run must"),
     ({"examples/a.cpp": "Tensor b; f(b);\n"}, "C++ must stand in examples/")])
