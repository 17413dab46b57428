"""The rules of the house, read off the syntax tree of every module."""

import ast
import re
from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PRODUCT = HERE.parent / "proxyapp"
UNIT = HERE / "unit"

FLOORS = (
    ("errors", "neutral", "runtime", "threads"),
    ("wire", "settings"),
    ("backends", "tools", "observe", "auth"),
    ("routing", "worker"),
    ("relay",),
    ("gateway",),
    ("web",),
    ("dialects", "admin"),
    ("app",),
    ("reload",),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

SEATS = {
    "flask": ("web", "dialects", "admin", "app"),
    "gevent": ("runtime", "threads", "worker"),
    "json_repair": ("tools",),
    "jsonschema": ("tools", "settings"),
    "orjson": ("wire.jsons", "settings"),
    "requests": ("backends.http",),
    "sqlite3": ("observe",),
    "subprocess": ("cli", "backends.copilot.process"),
    "urllib3": ("backends.http", "backends.pool"),
    "zstandard": ("web.body",),
}

VAGUE = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "handler"}
MAKERS = {"dict", "list", "set", "defaultdict", "deque", "Counter", "OrderedDict"}
WRITERS = {
    *("add", "append", "clear", "discard", "extend", "insert", "pop", "popitem"),
    *("remove", "setdefault", "update"),
}
DISPLAYS = (
    *(ast.Dict, ast.List, ast.Set),
    *(ast.DictComp, ast.ListComp, ast.SetComp),
)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Module:
    """One module of the product: its dotted name inside it, and its tree."""

    def __init__(self, path: Path) -> None:
        self.path = path
        parts = path.relative_to(PRODUCT).with_suffix("").parts
        self.name = ".".join(part for part in parts if part != "__init__")
        self.room = parts[0] if parts[0] != "__init__" else ""
        self.text = path.read_text("utf-8")
        self.tree = ast.parse(self.text)

    def lines_of(self, node: ast.stmt) -> int:
        return (node.end_lineno or node.lineno) - node.lineno + 1


MODULES = {module.name: module for module in map(Module, sorted(PRODUCT.rglob("*.py")))}
DIALECTS = {path.name for path in (PRODUCT / "dialects").iterdir() if path.is_dir()}


def each_module_of(modules: Iterable[Module]) -> pytest.MarkDecorator:
    """Run a test once for each of these modules."""
    chosen = list(modules)
    names = [module.name or "proxyapp" for module in chosen]
    return pytest.mark.parametrize("module", chosen, ids=names)


each_module = each_module_of(MODULES.values())


def folder_of(name: str) -> str:
    """Give the dialect whose folder a module lies in, if it lies in one."""
    room, _, rest = name.partition(".")
    folder = rest.partition(".")[0]
    return folder if room == "dialects" and folder in DIALECTS else ""


def imported(module: Module) -> Iterator[str]:
    """Yield the dotted name of all that a module imports, wherever it does."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield from (whole_name(base, alias.name) for alias in node.names)


def whole_name(base: str, name: str) -> str:
    """Tell the import of a module from that of a name in one."""
    inside = f"{base}.{name}".removeprefix("proxyapp.")
    return f"{base}.{name}" if inside in MODULES else base


def own_imports(module: Module) -> set[str]:
    """Give the product's modules that a module imports, by their short names."""
    return {
        name.removeprefix("proxyapp").removeprefix(".")
        for name in imported(module)
        if name.partition(".")[0] == "proxyapp"
    }


def names_in(module: Module) -> set[str]:
    """Give every name that a module defines."""
    defined = {
        node.name
        for node in ast.walk(module.tree)
        if isinstance(node, (*FUNCTIONS, ast.ClassDef))
    }
    return defined | {target for target, _ in assignments(module)}


def assignments(module: Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names and values of a module's own assignments."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            yield from ((name, node.value) for name in names)


def is_mutable(value: ast.expr) -> bool:
    """Tell whether an expression makes something that can be changed."""
    if isinstance(value, ast.Call):
        called = value.func
        name = called.id if isinstance(called, ast.Name) else ""
        return (called.attr if isinstance(called, ast.Attribute) else name) in MAKERS
    return isinstance(value, DISPLAYS)


def written_names(module: Module) -> set[str]:
    """Give the names whose contents a module changes somewhere."""
    written: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            written |= {n.id for n in [node.value] if isinstance(n, ast.Name)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and node.func.attr in WRITERS:
                written.add(owner.id)
    return written


@each_module
def test_a_module_imports_from_lower_floors_only(module):
    allowed = {
        room
        for room, floor in FLOOR.items()
        if room == module.room or floor < FLOOR.get(module.room, 0)
    }
    rooms = {name.partition(".")[0] for name in own_imports(module) if name}
    assert rooms <= allowed


def test_every_room_has_a_floor():
    assert {module.room for module in MODULES.values() if module.room} == set(FLOOR)


@each_module
def test_guests_sit_in_their_seats(module):
    guests = {name.partition(".")[0] for name in imported(module)} & set(SEATS)
    misplaced = {
        guest
        for guest in guests
        if not any(f"{module.name}.".startswith(f"{seat}.") for seat in SEATS[guest])
    }
    assert misplaced == set()


@each_module_of(module for module in MODULES.values() if folder_of(module.name))
def test_a_dialect_knows_no_other_dialect(module):
    folders = {folder_of(name) for name in own_imports(module)}
    assert folders <= {"", folder_of(module.name)}


def test_no_import_runs_in_a_circle():
    done: set[str] = set()

    def follow(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in done and name in MODULES:
            for other in sorted(own_imports(MODULES[name]) - {name}):
                follow(other, (*path, name))
            done.add(name)

    for name in MODULES:
        follow(name, ())


@each_module
def test_imports_are_absolute(module):
    levels = [n.level for n in ast.walk(module.tree) if isinstance(n, ast.ImportFrom)]
    assert set(levels) <= {0}


@each_module
def test_nothing_mutable_lives_at_module_level(module):
    mutable = {name for name, value in assignments(module) if is_mutable(value)}
    variables = {name for name in mutable if not name.strip("_").isupper()}
    assert variables - {"__all__"} == set()


@each_module
def test_no_table_is_written_to(module):
    assert {name for name, _ in assignments(module)} & written_names(module) == set()
    assert not [n for n in ast.walk(module.tree) if isinstance(n, ast.Global)]


@each_module
def test_a_module_has_at_most_350_lines(module):
    assert len(module.text.splitlines()) <= 350


@each_module
def test_a_function_has_at_most_50_lines(module):
    long = {
        node.name: module.lines_of(node)
        for node in ast.walk(module.tree)
        if isinstance(node, FUNCTIONS) and module.lines_of(node) > 50
    }
    assert long == {}


@each_module
def test_names_say_what_things_are(module):
    names = names_in(module) | set(module.name.split("."))
    words = {
        word.lower()
        for name in names
        for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    }
    assert words & VAGUE == set()


@each_module_of(m for m in MODULES.values() if not m.path.stem.startswith("__"))
def test_every_module_has_its_tests(module):
    place = module.path.relative_to(PRODUCT).parent
    assert (UNIT / place / f"test_{module.path.stem}.py").is_file()


def test_every_unit_test_has_its_module():
    modules = {
        str(m.path.relative_to(PRODUCT).with_suffix("")) for m in MODULES.values()
    }
    strays = {
        str(path.relative_to(UNIT))
        for path in UNIT.rglob("test_*.py")
        if not subjects_of(path) & modules
    }
    assert strays == set()


def subjects_of(path: Path) -> set[str]:
    """Give the modules a test file may be about: ``test_a_b.py`` is on a_b, or a."""
    words = path.stem.split("_")[1:]
    place = path.relative_to(UNIT).parent
    return {str(place / "_".join(words[:n])) for n in range(1, len(words) + 1)}


WALL_CLOCKS = {"datetime", "wall_clock", "unix_time"}
TIMED = {"backends", "gateway", "relay", "routing", "web", "wire", "worker"}
# GitHub counts premium requests by the day; a reply says when it was made.
STAMPS = {"backends.copilot.premium", "worker.dates"}


@pytest.mark.reliability("R-029d")
@each_module_of(module for module in MODULES.values() if module.room in TIMED)
def test_no_wait_and_no_duration_reads_the_clock_on_the_wall(module):
    names = {n.id for n in ast.walk(module.tree) if isinstance(n, ast.Name)}
    attributes = {
        f"{n.value.id}.{n.attr}"
        for n in ast.walk(module.tree)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
    }
    read = (names & WALL_CLOCKS) | (attributes & {"time.time", "time.time_ns"})
    assert not read or module.name in STAMPS
