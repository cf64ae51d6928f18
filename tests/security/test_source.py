"""What the source may not do anywhere: unpickle, run words as code, compose a shell's command."""

import ast
from pathlib import Path

import pytest

import seasa_da

FILES = sorted(Path(seasa_da.__file__).parent.rglob("*.py"))
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
WANTED = {
    ("torch", "load"): ("weights_only", True),
    ("np", "load"): ("allow_pickle", False),
    ("numpy", "load"): ("allow_pickle", False),
}
FORBIDDEN = {("yaml", "load"), ("yaml", "unsafe_load"), ("yaml", "full_load"), ("os", "system"), ("os", "popen")}


def faults(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in MODULES)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield node.module
        if not isinstance(node, ast.Call):
            continue
        given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
        if given.get("shell"):
            yield "shell=True"
        if isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec", "compile", "__import__"):
            yield node.func.id
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            name = (node.func.value.id, node.func.attr)
            if name in FORBIDDEN:
                yield ".".join(name)
            if name in WANTED and given.get(WANTED[name][0]) is not WANTED[name][1]:
                yield f"{'.'.join(name)} without {WANTED[name][0]}={WANTED[name][1]}"


def test_no_file_does_what_it_may_not():
    assert len(FILES) > 200
    assert {str(path): found for path in FILES if (found := list(faults(path.read_text(encoding="utf-8"))))} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(f)",
        "torch.load(f, weights_only=False)",
        "np.load(f)",
        "yaml.load(f)",
        "subprocess.run(words, shell=True)",
        "eval(words)",
        "os.system(words)",
    ],
)
def test_it_would_be_seen(line):
    assert len(list(faults(line))) == 1
