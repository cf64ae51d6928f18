"""Who may import whom: the one door to labels, and dependencies that point one way. Read from the source text."""

import ast
from pathlib import Path

import pytest

import seasa_da

ROOT = Path(seasa_da.__file__).parent
LABELS = "seasa_da.data.labels"
HEAVY = {"torch", "numpy", "timm", "mlflow", "pytorch_adapt", "matplotlib", "accelerate", "scipy", "nibabel", "medpy"}


def module_name(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def imports(path, *, top_level=False):
    """All modules that a file names in an import, wherever it stands; a name from a package may be a module itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


IMPORTS = {name: imports(path) for name, path in MODULES.items()}


def inside(module, *packages):
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def part(name):
    """The second name of a module of ours, such as `hooks`; None for others' modules."""
    names = name.split(".")
    return names[1] if names[0] == "seasa_da" and len(names) > 1 else None


def importers_of(module):
    return {name for name, found in IMPORTS.items() if any(inside(target, module) for target in found)}


def test_the_package_was_found():
    assert {"seasa_da.data.labels", "seasa_da.data.datasets", "seasa_da.hooks.update", "seasa_da.cli"} <= MODULES.keys()
    assert "seasa_da.data.labels" in IMPORTS["seasa_da.data.datasets"]


def test_labels_have_one_door():
    # `reuse` copies a case's own labels from an older store of the same files into a new one
    allowed = {"seasa_da.data.datasets", "seasa_da.data.reuse"} | {
        name for name in MODULES if inside(name, "seasa_da.evaluation")
    }
    # `seasa-da data info` asks whether there are labels, and cannot read them.
    asks = "seasa_da.commands.data.info"
    assert importers_of(LABELS) - {asks} <= allowed
    assert {name for name in IMPORTS[asks] if inside(name, LABELS)} <= {LABELS, f"{LABELS}.labels_exist"}
    # nor by a name in a text, as importlib would take it
    for name, path in MODULES.items():
        texts = [n.value for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Constant)]
        assert name == LABELS or LABELS not in texts


def test_only_datasets_and_evaluation_open_them():
    for name, path in MODULES.items():
        if name in (LABELS, "seasa_da.data.datasets", "seasa_da.data.reuse") or inside(name, "seasa_da.evaluation"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        names |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
        assert "open_labels" not in names, name


def test_the_upper_bounds_door_is_marked():
    """`oracle_slices` is used where a stage asks for the oracle's labels, and nowhere else."""
    assert importers_of("seasa_da.data.datasets.oracle_slices") <= {"seasa_da.training.stages"}


def test_layers_know_only_torch():
    import sys

    for name in MODULES:
        if inside(name, "seasa_da.layers"):
            foreign = {m for m in IMPORTS[name] if m.split(".")[0] not in {*sys.stdlib_module_names, "torch"}}
            assert all(inside(module, "seasa_da.layers") for module in foreign), name


METHODS = {"hooks", "adapters", "baselines", "training", "comparison", "commands", "cli", "registry"}


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("data", METHODS | {"models", "layers", "evaluation", "reporting", "tracking"}),
        ("augment", METHODS | {"models", "data", "evaluation", "reporting", "tracking"}),
        ("models", METHODS | {"data", "augment", "evaluation", "reporting", "tracking"}),
        ("hooks", (METHODS - {"hooks"}) | {"data", "models", "evaluation", "reporting", "tracking"}),
        (
            "adapters",
            {"baselines", "training", "comparison", "commands", "cli", "data", "evaluation", "reporting", "tracking"},
        ),
        ("baselines", {"training", "comparison", "commands", "cli", "data", "evaluation", "reporting", "tracking"}),
        ("evaluation", METHODS | {"tracking"}),
        ("reporting", METHODS | {"tracking"}),
        ("config", METHODS | {"data", "models", "augment", "layers", "evaluation", "reporting", "tracking"}),
        ("registry", METHODS | {"data", "models", "augment", "layers", "evaluation", "reporting", "tracking"}),
        ("training", {"comparison", "commands", "cli", "baselines", "prediction"}),
        ("comparison", {"commands", "cli", "baselines"}),
        ("inspection", {"commands", "cli", "adapters", "baselines", "hooks", "tracking"}),
        ("exporting", {"comparison", "commands", "cli", "baselines", "reporting", "tracking"}),
        ("prediction", {"comparison", "commands", "cli", "baselines", "evaluation", "reporting", "tracking"}),
    ],
)
def test_dependencies_point_one_way(package, forbidden):
    modules = [name for name in MODULES if part(name) == package]
    assert modules
    wrong = {(name, target) for name in modules for target in IMPORTS[name] if part(target) in forbidden - {package}}
    assert not wrong


def test_nothing_but_the_command_line_imports_commands():
    assert all(part(name) in ("commands", "cli") for name in importers_of("seasa_da.commands"))


def test_nobody_imports_itself_in_a_circle():
    graph = {name: imports(path, top_level=True) & MODULES.keys() - {name} for name, path in MODULES.items()}
    done = set()

    def visit(name, trail):
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for target in sorted(graph[name]):
                visit(target, [*trail, name])
            done.add(name)

    for name in graph:
        visit(name, [])


@pytest.mark.parametrize(
    "name", ["seasa_da", "seasa_da.cli", "seasa_da.config", "seasa_da.registry", "seasa_da.errors"]
)
def test_what_help_loads_is_light(name):
    """With all that it imports at its top level."""
    seen, queue = set(), [name]
    while queue:
        module = queue.pop()
        if module in MODULES and module not in seen:
            seen.add(module)
            queue += imports(MODULES[module], top_level=True)
        assert module.split(".")[0] not in HEAVY, module
