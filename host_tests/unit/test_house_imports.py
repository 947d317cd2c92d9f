# SPDX-License-Identifier: Apache-2.0
"""The import rule: who may import whom, held by reading the syntax tree of every device file."""

import ast
from pathlib import PurePosixPath

import pytest

from tools.mpy import ROOT, device_files

EVERYWHERE = {"array", "struct", "math", "json", "hashlib", "binascii"}
LAYERS = ("kernels", "dsp", "models", "monitor")
_PARTS = ("app", "clock", "console", "health", "log", "net", "outputs", "pipeline", "sampling")
SERVICES = {"firmware." + part for part in (*_PARTS, "slots", "store", "update", "uplink")}
HOST_ONLY = {"tools", "host_tests"}
DEVICE = (
    "array asyncio binascii bluetooth deflate ds18x20 errno esp esp32 gc hashlib io json machine "
    "math micropython neopixel network ntptime onewire os random re requests rp2 select socket "
    "ssl struct sys time tls uctypes vfs"
)
DEVICE_MODULES = set(DEVICE.split())


def imported(tree: ast.AST, path: str) -> set[str]:
    """Dotted names of everything a module imports, anywhere in it."""
    package = PurePosixPath(path).parent.parts
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                inside = package[1:] if package[:1] == ("lib",) else package
                start = inside[: len(inside) - node.level + 1]
                base = ".".join([*start, *([node.module] if node.module else [])])
            names.add(base)
            if base.split(".")[0] in ("tocsin", "firmware"):
                names.update(f"{base}.{alias.name}" for alias in node.names)
    return names


def part_of(name: str) -> str:
    """`tocsin.dsp.plan` -> `dsp`; the package itself -> ``."""
    return (name.split(".") + ["", ""])[1]


def library_allows(path: str, name: str) -> bool:
    """Whether lib/tocsin/<part>/... may import `name`."""
    part = PurePosixPath(path).parts[2]
    top = name.split(".")[0]
    if top != "tocsin":
        return (
            top in EVERYWHERE
            or (top == "sys" and path == "lib/tocsin/kernels/__init__.py")
            or (top == "micropython" and part == "kernels")
            or (top == "ulab" and path == "lib/tocsin/kernels/ulab.py")
            or (top == "asyncio" and part == "link")
        )
    target = part_of(name)
    if target in ("", part):
        return True
    if name == "tocsin.kernels.fixed" or name.startswith("tocsin.kernels.fixed."):
        return True
    if part in LAYERS and target in LAYERS:
        return LAYERS.index(target) < LAYERS.index(part)
    return name == "tocsin.kernels" and part not in LAYERS  # the package on the way to fixed


def allows(path: str, name: str) -> bool:
    """Whether the device file `path` (from the root) may import the module `name`."""
    top = name.split(".")[0]
    if top in HOST_ONLY:
        return False
    if path.startswith("lib/tocsin/"):
        return path == "lib/tocsin/__init__.py" or library_allows(path, name)
    if path == "boot.py":
        return top in DEVICE_MODULES or name in ("firmware", "firmware.slots") or (
            name.startswith("firmware.slots.")
        )
    if path.startswith("firmware/drivers/"):
        return top in DEVICE_MODULES
    if name.startswith("firmware.drivers"):
        return path == "firmware/app.py"
    return top in DEVICE_MODULES | {"tocsin", "firmware"}


def violations(path: str, source: str) -> list[str]:
    """Everything in one device file that breaks the rule, as readable lines."""
    tree = ast.parse(source)
    return [
        f"{path} imports {name}"
        for name in sorted(imported(tree, path))
        if not allows(path, name)
    ] + ([] if path in ("firmware/compose.py", "main.py") else builds(path, tree))


def builds(path: str, tree: ast.AST) -> list[str]:
    """Constructions of a service (a class of one of SERVICES) outside of compose.py."""
    if not path.startswith("firmware/"):
        return []
    classes = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in SERVICES
        for alias in node.names
        if alias.name[:1].isupper() and not alias.name.endswith("Error")
    }
    return [
        f"{path}:{node.lineno} constructs {node.func.id}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in classes
    ]


def device_sources() -> list[tuple[str, str]]:
    return [(p.relative_to(ROOT).as_posix(), p.read_text()) for p in device_files()]


def test_every_device_file_keeps_the_import_rule():
    found = [line for path, source in device_sources() for line in violations(path, source)]
    assert not found, "\n".join(found)


def test_device_files_are_found():
    paths = {path for path, _ in device_sources()}
    assert {"boot.py", "main.py", "firmware/app.py", "lib/tocsin/kernels/reference.py"} <= paths


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("lib/tocsin/dsp/plan.py", "import time"),
        ("lib/tocsin/dsp/plan.py", "from tocsin.models.bundle import parse"),
        ("lib/tocsin/dsp/plan.py", "from tocsin.models import bundle"),
        ("lib/tocsin/dsp/plan.py", "from ..models import bundle"),
        ("lib/tocsin/dsp/plan.py", "def f():\n    import os"),
        ("lib/tocsin/dsp/plan.py", "import sys"),
        ("lib/tocsin/dsp/plan.py", "import asyncio"),
        ("lib/tocsin/dsp/plan.py", "from tocsin import config"),
        ("lib/tocsin/kernels/viper.py", "from tocsin.dsp.plan import make_plan"),
        ("lib/tocsin/config/schema.py", "from tocsin.monitor.alarm import Alarm"),
        ("lib/tocsin/config/schema.py", "from tocsin.kernels import BACKEND"),
        ("lib/tocsin/monitor/alarm.py", "from tocsin.link.outbox import Outbox"),
        ("lib/tocsin/monitor/alarm.py", "import firmware.app"),
        ("firmware/pipeline.py", "from tools.train import twin"),
        ("firmware/pipeline.py", "from firmware.drivers import relay"),
        ("firmware/pipeline.py", "from firmware.log import Log\nlog = Log()"),
        ("firmware/drivers/relay.py", "from tocsin.kernels import fixed"),
        ("firmware/drivers/relay.py", "import firmware.log"),
        ("boot.py", "import firmware.app"),
        ("main.py", "import pytest"),
    ],
)
def test_rule_catches(path, source):
    assert violations(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("lib/tocsin/kernels/__init__.py", "import sys\nfrom tocsin.kernels import viper"),
        ("lib/tocsin/models/kmeans.py", "from tocsin import kernels\nfrom tocsin.dsp import plan"),
        ("lib/tocsin/config/schema.py", "import json\nfrom tocsin.kernels.fixed import sat16"),
        ("lib/tocsin/link/mqtt.py", "import asyncio"),
        ("firmware/app.py", "from firmware.drivers.relay import Relay\nrelay = Relay()"),
        ("firmware/drivers/relay.py", "from machine import Pin"),
        ("boot.py", "from firmware import slots"),
        ("main.py", "from firmware import app"),
    ],
)
def test_rule_allows(path, source):
    assert violations(path, source) == []
