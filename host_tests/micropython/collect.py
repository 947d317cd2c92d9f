# SPDX-License-Identifier: Apache-2.0
"""Shows every contract test to pytest a second and third time: on MicroPython, as .py and .mpy."""

import importlib.util
import unittest
from pathlib import Path

import pytest

from host_tests.micropython import wasm


class MicroPythonError(Exception):
    """A contract test failed on MicroPython; the message is what it printed."""


def test_names(path: Path) -> list[str]:
    """`Class.method` of every unittest test in a file."""
    spec = importlib.util.spec_from_file_location(f"contract_names_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names: list[str] = []
    for name, value in vars(module).items():
        if isinstance(value, type) and issubclass(value, unittest.TestCase):
            names += [f"{name}.{m}" for m in unittest.TestLoader().getTestCaseNames(value)]
    return names


class MicroPythonFile(pytest.File):
    """One contract file; in each form its tests run together in one MicroPython."""

    def collect(self):
        self._results: dict[str, dict[str, tuple[str, str]]] = {}
        for form in ("py", "mpy"):
            for test in test_names(self.path):
                name = f"{test}[wasm-{form}]"
                yield MicroPythonItem.from_parent(self, name=name, test=test, form=form)

    def result(self, test: str, form: str) -> tuple[str, str]:
        """("ok"|"skip"|"fail", text); the first call runs every chosen test of that form."""
        if form not in self._results:
            mine = [item for item in self.session.items if item.parent is self]
            chosen = [item.test for item in mine if item.form == form]
            self._results[form] = wasm.run_tests(self.path, chosen, form)
        return self._results[form][test]


class MicroPythonItem(pytest.Item):
    def __init__(self, *, test: str, form: str, **keywords):
        super().__init__(**keywords)
        self.test = test
        self.form = form

    def runtest(self):
        reason = wasm.missing()
        if reason:
            pytest.skip(reason)
        kind, text = self.parent.result(self.test, self.form)
        if kind == "skip":
            pytest.skip(text)
        if kind == "fail":
            raise MicroPythonError(text)

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, MicroPythonError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, None, self.name
