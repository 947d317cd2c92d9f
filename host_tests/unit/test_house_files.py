# SPDX-License-Identifier: Apache-2.0
"""The house in order: licence lines, plan of the folders, sizes of files, the mip manifest."""

import ast
import json
import re
import shutil
import subprocess

import pytest

import tocsin
from tools.mpy import ROOT, device_files

TOP = {
    *("boot.py", "main.py", "lib", "firmware", "board_configs", "tools", "host_tests"),
    *("README.md", "Makefile", "LICENSE", "pyproject.toml", "CHANGELOG.md", "package.json"),
    *("CONTRIBUTING.md", "SECURITY.md", ".ci", ".github", ".gitignore", ".pre-commit-config.yaml"),
}
UNTRACKED = {".git", ".venv", "build", "node_modules", "__pycache__"}
UNTRACKED |= {".pytest_cache", ".ruff_cache", ".mypy_cache", ".hypothesis"}
TEXT = {".py", ".md", ".toml", ".json", ".yml", ".yaml", ".mjs", ".html", ".css", ".js", ""}


def project_files():
    """Files of the project, without what .gitignore keeps out."""
    pending, found = [ROOT], []
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.name in UNTRACKED or path.name.endswith(".egg-info"):
                continue
            (pending if path.is_dir() else found).append(path)
    return found


FILES = project_files()
PYTHON = [path for path in FILES if path.suffix == ".py"]


def name(path):
    return path.relative_to(ROOT).as_posix()


def test_top_level_is_as_planned():
    assert {name(path).split("/")[0] for path in FILES} - TOP == set()


def test_every_folder_has_a_readme():
    expected = ("lib", "firmware", "board_configs", "tools", "host_tests", "tools/train")
    assert [f for f in expected if not (ROOT / f / "README.md").is_file()] == []


def test_source_files_start_with_the_licence_line():
    sources = [p for p in FILES if p.suffix in (".py", ".mjs", ".js")]
    empty_package = [p for p in sources if p.name == "__init__.py" and not p.read_text()]
    wrong = [
        name(p)
        for p in sources
        if p not in empty_package
        and "SPDX-License-Identifier: Apache-2.0" not in p.read_text().partition("\n")[0]
    ]
    assert wrong == []


def test_no_path_of_a_machine():
    private = re.compile(r"(?<![\w.])/(?:home|root|Users|work|tmp|mnt)/\w")
    wrong = [
        f"{name(p)}:{number}: {line.strip()}"
        for p in FILES
        if p.suffix in TEXT and p.name not in ("LICENSE", "test_house_files.py")
        for number, line in enumerate(p.read_text().splitlines(), 1)
        if private.search(line)
    ]
    assert wrong == []


def test_no_open_ends():
    marker = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
    assert [name(p) for p in PYTHON if marker.search(p.read_text())] == []


def lines_of(path):
    return len(path.read_text().splitlines())


def test_device_modules_are_short():
    def limit(path):
        assembler = path.name.startswith(("thumb_", "rv32_", "xtensa_"))
        return 700 if assembler else 300  # one instruction per line

    assert {name(p): lines_of(p) for p in device_files() if lines_of(p) > limit(p)} == {}


def test_host_modules_are_short():
    hosts = [p for p in PYTHON if name(p).split("/")[0] in ("tools", "host_tests")]
    assert {name(p): lines_of(p) for p in hosts if lines_of(p) > 500} == {}


def test_device_functions_are_short():
    long = [
        f"{name(path)}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for path in device_files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and not re.search(r"/kernels/(viper|thumb|rv32|xtensa)", name(path))
        and node.end_lineno - node.lineno + 1 > 60
    ]
    assert long == []


def test_kernels_take_at_most_four_arguments():
    reference = ast.parse((ROOT / "lib/tocsin/kernels/reference.py").read_text())
    wide = [
        node.name
        for node in reference.body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and (len(node.args.args) > 4 or node.args.vararg or node.args.kwarg)
    ]
    assert wide == []


def test_mip_manifest_lists_every_library_file():
    manifest = json.loads((ROOT / "package.json").read_text())
    library = [name(p) for p in device_files() if name(p).startswith("lib/tocsin/")]
    # the source of these loads nowhere: they need a build step
    library = [p for p in library if not p.split("/")[-1].startswith(("rv32_", "xtensa_"))]
    assert "lib/tocsin/kernels/viper_fft.py" in library
    expected = [[path[len("lib/") :], path] for path in library]
    hint = "run `python -m tools.sizes --manifest`"
    assert manifest["urls"] == expected, hint
    assert manifest["version"] == tocsin.__version__, hint
    assert manifest["deps"] == []


def test_changelog_starts_with_this_version():
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] == tocsin.__version__


def test_readme_links_lead_somewhere():
    broken = [
        f"{name(page)}: {target}"
        for page in FILES
        if page.suffix == ".md"
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_nothing_built_is_tracked():
    done = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("this copy is not a git checkout")
    bad = re.compile(r"(^|/)(\.venv|build|node_modules|__pycache__)/|\.(mpy|uf2|pyc)$")
    assert [line for line in done.stdout.splitlines() if bad.search(line)] == []
