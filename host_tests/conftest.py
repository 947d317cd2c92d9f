# SPDX-License-Identifier: Apache-2.0
"""pytest set-up: repeatable hypothesis runs, and contract tests on three runtimes."""

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

from host_tests.micropython import collect

os.environ.setdefault("MPLBACKEND", "Agg")

settings.register_profile(
    "tocsin",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("tocsin")


def pytest_collect_file(file_path, parent):
    """Add the two MicroPython variants of every contract test."""
    if file_path.parent.name == "contract" and file_path.match("test_*.py"):
        return collect.MicroPythonFile.from_parent(parent, path=file_path)
    return None


@pytest.fixture(autouse=True)
def modules_stay():
    """Modules that a test's board dropped come back: other tests hold their classes."""
    before = {name: sys.modules[name] for name in sys.modules
              if name.startswith(("firmware.", "tocsin."))}
    yield
    for name, module in before.items():
        if sys.modules.get(name) is not module:
            sys.modules[name] = module
            package, _, own = name.rpartition(".")
            setattr(sys.modules[package], own, module)
