# SPDX-License-Identifier: Apache-2.0
"""What a deployment sends against what a board may import, found by reading the syntax trees."""

import ast
import re

import pytest

from host_tests.unit.test_house_imports import imported
from tocsin import kernels
from tools.boards import config, deploy, files
from tools.mpy import ROOT

BOARDS = sorted({config.load(name).arch: name for name in config.names()}.values())
ENTRY = ("boot", "main")
ASSEMBLERS = {"thumb": ("armv6m", "armv7emsp"), "xtensa": ("xtensawin",), "rv32": ("rv32imc",)}
LEFT_OUT = {"tocsin.config.presets", "tocsin.kernels.checked", "tocsin.kernels.reference"}
# __import__ of something else than a string: where its names come from
BY_NAME = {
    ("firmware.terminal", "name"): "tuple _FIRST",
    ("firmware.console_desk", "module"): "tuples in HOMES",
    ("tocsin.kernels.__init__", "name"): "tocsin.kernels. and a group or module",
}


def sources() -> dict[str, ast.Module]:
    """Module name -> syntax tree, of all that lies in the folders of the device."""
    folders = (ROOT / "firmware", ROOT / "lib")
    paths = [p for folder in folders for p in sorted(folder.rglob("*.py"))]
    paths += [ROOT / f"{name}.py" for name in ENTRY]
    return {module_of(p.relative_to(ROOT).as_posix()): ast.parse(p.read_text()) for p in paths}


def module_of(path: str) -> str:
    """`lib/tocsin/dsp/plan.py` -> `tocsin.dsp.plan`; a package -> its `__init__`."""
    return re.sub(r"^/?(lib/)?|\.m?py$", "", path).replace("/", ".")


def path_of(module: str) -> str:
    return ("lib/" if module.startswith("tocsin.") else "") + module.replace(".", "/") + ".py"


def named(tree: ast.Module, known: set[str]) -> set[str]:
    """Modules whose names, or the beginnings of whose names, stand in a module as strings."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            if re.fullmatch(r"(firmware|tocsin)(\.|(\.\w+)+[._]?)", text):
                begins = text if text[-1] in "._" else text + "."
                found |= {name for name in known if name == text or name.startswith(begins)}
    return found


def closure(trees: dict[str, ast.Module]) -> set[str]:
    """Every module that boot.py and main.py lead to, by statement, by string, by folder."""
    known = set(trees)
    todo, seen = list(ENTRY), set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        parts = name.split(".")
        todo += [".".join([*parts[:i], "__init__"]) for i in range(1, len(parts))]
        reached = imported(trees[name], path_of(name)) | named(trees[name], known)
        todo += [other for other in reached | {f"{n}.__init__" for n in reached} if other in known]
    return seen & known | set(ENTRY)


@pytest.fixture(scope="module")
def trees():
    return sources()


@pytest.fixture(scope="module", params=BOARDS)
def board(request):
    return config.load(request.param)


@pytest.fixture(scope="module")
def program(board):
    return files.program(board)


def other_processors(module: str, arch: str) -> bool:
    part = module.split(".")[-1].split("_")[0]
    return module.startswith("tocsin.kernels.") and arch not in ASSEMBLERS.get(part, (arch,))


def sent(program) -> dict[str, str]:
    """Module -> path of its file, native kernels without the folder of their architecture."""
    found = {}
    for path in program:
        if path.endswith((".py", ".mpy")):
            module = module_of(path)
            for arch in dict.fromkeys(a for some in ASSEMBLERS.values() for a in some):
                module = module.replace(f"tocsin.kernels.{arch}.", "tocsin.kernels.")
            found[module] = path
    return found


def test_everything_that_can_be_imported_is_sent(board, program, trees):
    wanted = {name for name in closure(trees) if not other_processors(name, board.arch)}
    missing = wanted - set(sent(program)) - {n for n in wanted if ".kernels.viper_" in n}
    assert not missing - LEFT_OUT, f"imported, but not sent: {sorted(missing)}"
    assert len(wanted) > 120


def test_what_is_left_out_is_imported_by_nothing(program, trees):
    by_prompt = {"tocsin.kernels.reference"}  # its name is that of its parts' beginning
    assert not (LEFT_OUT - by_prompt) & used(trees)
    assert not LEFT_OUT & set(sent(program))


def test_what_is_loaded_by_name_is_among_it(program, trees):
    """Examples of each way, so that a closure which has gone blind is noticed."""
    found = closure(trees) & set(sent(program))
    for name in (
        "firmware.console_act", "firmware.console_line", "firmware.safe", "firmware.maintenance",
        "firmware.calibration", "firmware.patterns", "firmware.unpack_viper",
        "firmware.drivers.several", "firmware.drivers.adc_dma", "tocsin.monitor.retune",
        "tocsin.config.rescue", "tocsin.config.sections", "tocsin.dsp.envelope",
        "tocsin.kernels.reference_check", "tocsin.kernels.choice", "tocsin.link.chain",
    ):  # fmt: skip
        assert name in found, name


def last_part(module: str) -> str:
    """What is written after "firmware.console_" and the like."""
    return re.split(r"[._]", module)[-1]


def used(trees: dict[str, ast.Module]) -> set[str]:
    """Modules that another one imports by statement, or whose name or last part stands in one.

    Tighter than `closure`: a string like `tocsin.config.` counts for none by itself.
    """
    found = set(ENTRY)
    for module, tree in trees.items():
        found |= imported(tree, path_of(module)) - {module}
        strings = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
        words = {word for text in strings if isinstance(text, str) and "\n" not in text
                 for word in text.split(" ")[:1]}  # fmt: skip
        found |= {name for name in trees if {name.split(".")[-1], last_part(name)} & words}
        found |= strings & set(trees)
    return found


def test_nothing_is_sent_that_nothing_imports(board, program, trees):
    by_group = tuple(f"_{group}" for group in kernels.GROUPS)
    by_name = {m for m in trees if m.startswith("firmware.drivers.") or m.endswith("__init__")}
    by_name |= {m for m in trees if m.startswith("tocsin.kernels.") and m.endswith(by_group)}
    useless = set(sent(program)) - used(trees) - by_name
    assert not useless, f"sent, but never imported: {sorted(useless)}"
    assert not set(sent(program)) - closure(trees)
    assert not [name for name in sent(program) if other_processors(name, board.arch)]


def test_each_import_by_name_is_known_here(trees):
    """An `__import__` whose name is computed in a new way must be told to this test."""
    found = {}
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("__import__"):
                name = node.args[0]
                begins = name.left if isinstance(name, ast.BinOp) else name
                if not isinstance(begins, ast.Constant):
                    found[module, ast.unparse(name)] = True
    assert set(found) == set(BY_NAME), "see that `named` finds the names, then put it there"


def test_kernels_come_as_native_code_of_this_processor(board, program):
    """The first place where a board looks for a kernel and finds it is a native file."""
    arch = board.arch
    order = kernels._order(board.arch_number, board.minimum)
    for group, names in kernels.GROUPS.items():
        for name in names:
            assert any(place_has(program, place, group, name) for place in order), name
        first = next(p for p in order if native_or_source(program, f"{p}_{group}"))
        if (ROOT / f"lib/tocsin/kernels/viper_{group}.py").is_file():
            assert first.startswith(arch + "."), group


def native_or_source(program, place: str) -> str | None:
    stem = "/lib/tocsin/kernels/" + place.replace(".", "/")
    return next((stem + end for end in (".mpy", ".py") if stem + end in program), None)


def place_has(program, place: str, group: str, name: str) -> bool:
    """Whether the file of a group there defines a kernel; read from its source."""
    if native_or_source(program, f"{place}_{group}") is None:
        return False
    path = ROOT / "lib/tocsin/kernels" / f"{place.split('.')[-1]}_{group}.py"
    return re.search(rf"\b{name}\b", path.read_text()) is not None


def test_each_file_lies_where_micropython_looks_for_it(program):
    for module, path in sent(program).items():
        if module in ENTRY:
            assert path == f"/{module}.py"
        else:
            assert path.startswith("/lib/tocsin/" if module[:6] == "tocsin" else "/firmware/")
            assert path.endswith(".mpy"), "compiled, or a board needs memory to compile it"


@pytest.mark.parametrize("name", config.names())
def test_the_program_fits_an_empty_board(name):
    """With what is in the way while it is deployed, and 10 % for configuration, models, log."""
    board = config.load(name)
    plan = deploy.make_plan(
        files.Content(files.program(board)), {}, "", 4096, deploy._INLINE[board.port]
    )
    own = plan.needed - len(plan.pack)
    assert plan.needed < (board.data["memory"]["filesystem_kb"] - 8) * 1024
    assert own < 0.9 * board.data["memory"]["filesystem_kb"] * 1024


def test_the_manifest_lists_the_program(board, program):
    import json

    listed = json.loads(program[files.MANIFEST])
    assert listed["board"] == board.id
    assert set(listed["files"]) == set(program) - {files.MANIFEST}
