"""Only CompileOptions and mains declare options.

No `cl::opt` outside a file with `main`, and no pass option in Passes.td that
CompileOptions does not know by the same name.
"""

import re

import checks

CL = re.compile(r"\bcl::(opt|list|bits|alias)\b")
MAIN = re.compile(r"^int main\(", re.M)
COMMENT = re.compile(r"//[^\n]*")
PASS_OPTION = re.compile(r'\b(?:List)?Option<"(\w+)"')


def check(root):
    complaints = []
    for path in checks.files(root, ".cpp", ".h"):
        text = COMMENT.sub("", checks.read(root, path))
        if CL.search(text) and not MAIN.search(text):
            complaints.append(f"{path}: cl::opt must stay in a main's file")
    tables = checks.files(root, "CompileOptions.h")
    known = "".join(checks.read(root, path) for path in tables)
    for path in checks.files(root, "Passes.td"):
        for name in PASS_OPTION.findall(checks.read(root, path)):
            if not re.search(rf"\b{name}\b", known):
                complaints.append(f"{path}: pass option '{name}' must be a "
                                  "member of CompileOptions: got none")
    return complaints


checks.run(
    check,
    {"tools/opt.cpp": "int main() {}\nllvm::cl::opt<int> tile;\n",
     "compiler/passes/Passes.td": 'Option<"tileRows", "tile-rows", "int">',
     "compiler/pipelines/CompileOptions.h": "int tileRows = 8;",
     "compiler/passes/A.cpp": "// no cl::opt here\n"},
    [({"compiler/passes/B.cpp": "static llvm::cl::opt<int> tile;\n"},
      "cl::opt must stay"),
     ({"compiler/passes/Passes.td": 'ListOption<"rows", "rows", "int">'},
      "pass option 'rows'")])
