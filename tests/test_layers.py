"""A module imports only from rooms before its own; delegates that import late are listed by name."""

import ast
from pathlib import Path

import metaresp

ROOT = Path(metaresp.__file__).parent

# Data flows one way: a module may import from its own room and from rooms above it.
ROOMS = [
    {"readable", "foreign"},
    {"errors"},
    {"arrays", "registry", "writing", "checks"},
    {"records"},
    {"percent", "counts", "outcome_words"},
    {"read"},
    {"studies"},
    {"datasets"},
    {"binomial", "transforms"},
    {"kernel"},
    {"model"},
    {"outcome"},
    {"forecast", "shrinkage"},
    {"questions", "sentences"},
    {"result"},
    {"inputs"},
    {"pooling"},
    {"subsets"},
    {"analyses", "bayes", "planning", "simulate", "scale"},
    {"present"},
    {"plots"},
    {"report"},
    {"cli"},
]
RANK = {room: rank for rank, rooms in enumerate(ROOMS) for room in rooms}

# The same within the kernel, by subject.
KERNEL = {"numerics": 0, "effects": 1, "counts": 2, "nested": 3, "trial": 3, "regression": 4}

# One-line delegates: (module, function) that may import from a later room, inside the function.
DELEGATES = {
    ("analyses", "plot"),
    ("analyses", "forest"),
    ("binomial", "plot"),
    ("studies", "forest"),
    ("result", "forest"),
    ("result", "summary"),
    ("result", "to_r"),
    ("records", "__str__"),
    ("records", "summary"),
    ("records", "_repr_html_"),
    ("records", "forest"),
}

THIRD_PARTY = {
    "kernel": {"numpy", "scipy"},
    "plots": {"numpy", "matplotlib"},
}
STDLIB_FORBIDDEN_IN_KERNEL = {"pandas", "matplotlib", "statsmodels", "warnings", "random"}


def modules():
    for path in sorted(ROOT.rglob("*.py")):
        yield path, path.relative_to(ROOT).parts


def room_of(parts):
    return parts[0].removesuffix(".py")


def imports(tree):
    """Yield (imported dotted name, enclosing function or None); imports for type checking are left out."""

    def visit(node, function):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield alias.name, function
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, "relative import"
                if child.module == "metaresp":
                    for alias in child.names:
                        yield f"metaresp.{alias.name}", function
                else:
                    yield child.module, function
            inner = child.name if isinstance(child, ast.FunctionDef) else function
            yield from visit(child, inner)

    yield from visit(tree, None)


def test_every_module_is_in_a_room():
    rooms = {room_of(parts) for _, parts in modules()} - {"__init__", "__main__"}
    assert rooms <= set(RANK), f"rooms without a place in the line: {rooms - set(RANK)}"


def test_imports_follow_the_line():
    wrong = []
    for path, parts in modules():
        room = room_of(parts)
        if room in {"__init__", "__main__"}:
            continue
        for name, function in imports(ast.parse(path.read_text(encoding="utf-8"))):
            if not name.startswith("metaresp."):
                continue
            target = name.split(".")[1]
            if target in {"__version__", room}:
                continue
            allowed = target in RANK and RANK[target] < RANK[room]
            if not allowed and (room, function) not in DELEGATES:
                wrong.append(f"{'/'.join(parts)} ({function}) imports {name}")
    assert not wrong, "\n".join(wrong)


def test_delegates_are_used():
    used = set()
    for path, parts in modules():
        room = room_of(parts)
        for name, function in imports(ast.parse(path.read_text(encoding="utf-8"))):
            target = name.split(".")[1] if name.startswith("metaresp.") else None
            if target in RANK and room in RANK and RANK[target] > RANK[room]:
                used.add((room, function))
    assert used == DELEGATES


def test_third_party_by_room():
    wrong = []
    for path, parts in modules():
        room = room_of(parts)
        known = THIRD_PARTY.get(room)
        if known is None:
            continue
        for name, _ in imports(ast.parse(path.read_text(encoding="utf-8"))):
            top = name.split(".")[0]
            if top in {"pandas", "matplotlib", "statsmodels", "scipy", "numpy", "typer"} and top not in known:
                wrong.append(f"{'/'.join(parts)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_kernel_has_no_text_no_warnings_no_files():
    for path, parts in modules():
        if room_of(parts) != "kernel":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {name.split(".")[0] for name, _ in imports(tree)}
        assert not names & STDLIB_FORBIDDEN_IN_KERNEL, parts
        calls = {
            n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        assert not calls & {"print", "open"}, parts


def test_only_sums_forms_inverse_variance_weights():
    """No other kernel file writes 1 / (v + tau2)."""
    for path, parts in modules():
        if room_of(parts) != "kernel" or parts[-1] == "sums.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                names = {n.id for n in ast.walk(node.right) if isinstance(n, ast.Name)}
                adds = any(
                    isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add) for n in ast.walk(node.right)
                )
                assert not (adds and {"v", "tau2"} <= names), f"{'/'.join(parts)}:{node.lineno}"


def test_the_kernel_imports_downwards_by_subject():
    for path, parts in modules():
        if parts[0] != "kernel" or len(parts) < 3:
            continue
        for name, _ in imports(ast.parse(path.read_text(encoding="utf-8"))):
            other = name.split(".")
            if other[:2] != ["metaresp", "kernel"] or len(other) < 3:
                continue
            assert other[2] in KERNEL, (path, name)
            same = other[2] == parts[1]
            assert same or KERNEL[other[2]] < KERNEL[parts[1]], (path, name)
