# SPDX-License-Identifier: Apache-2.0
"""The part of unittest that the contract tests use, for MicroPython, which has none on a board.

`run(module, names)` reports one line per test to `print`: a tab-separated
`@ok|@fail|@skip`, the test's name `Class.method`, and for skips the reason. The traceback of a
failure comes before its line.
"""

import sys


class SkipTest(Exception):
    pass


class _Raises:
    """Context of assertRaises; `exception` holds what was raised."""

    def __init__(self, kind, text=None):
        self._kind = kind
        self._text = text
        self.exception = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if kind is None:
            raise AssertionError("%r not raised" % self._kind)
        if not issubclass(kind, self._kind):
            return False
        self.exception = value
        if self._text is not None:
            import re

            if not re.search(self._text, str(value)):
                raise AssertionError("%r does not match %r" % (str(value), self._text))
        return True


class _SubTest:
    """Context of subTest: names the case when it fails."""

    def __init__(self, message, values):
        self._message = message
        self._values = values

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if kind is not None and not issubclass(kind, SkipTest):
            print("in subTest", self._message or "", self._values)
        return False


class TestCase:
    """Assertions with unittest's names, argument order and meaning."""

    failureException = AssertionError

    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def setUp(self):
        pass

    def tearDown(self):
        pass

    def skipTest(self, reason):
        raise SkipTest(reason)

    def subTest(self, msg=None, **values):
        return _SubTest(msg, values)

    def fail(self, msg=None):
        raise AssertionError(msg or "failed")

    def _check(self, holds, text, msg):
        if not holds:
            raise AssertionError("%s: %s" % (text, msg) if msg else text)

    def assertTrue(self, expr, msg=None):
        self._check(expr, "%r is not true" % (expr,), msg)

    def assertFalse(self, expr, msg=None):
        self._check(not expr, "%r is not false" % (expr,), msg)

    def assertEqual(self, first, second, msg=None):
        if not first == second:
            self._check(False, "%r != %r" % (first, second), msg)

    assertListEqual = assertEqual
    assertTupleEqual = assertEqual
    assertDictEqual = assertEqual
    assertSequenceEqual = assertEqual

    def assertNotEqual(self, first, second, msg=None):
        self._check(first != second, "%r == %r" % (first, second), msg)

    def assertIs(self, first, second, msg=None):
        self._check(first is second, "%r is not %r" % (first, second), msg)

    def assertIsNot(self, first, second, msg=None):
        self._check(first is not second, "both are %r" % (first,), msg)

    def assertIsNone(self, value, msg=None):
        self._check(value is None, "%r is not None" % (value,), msg)

    def assertIsNotNone(self, value, msg=None):
        self._check(value is not None, "unexpectedly None", msg)

    def assertIn(self, member, container, msg=None):
        self._check(member in container, "%r not in %r" % (member, container), msg)

    def assertNotIn(self, member, container, msg=None):
        self._check(member not in container, "%r in %r" % (member, container), msg)

    def assertIsInstance(self, value, kind, msg=None):
        self._check(isinstance(value, kind), "%r is not a %r" % (value, kind), msg)

    def assertLess(self, first, second, msg=None):
        self._check(first < second, "%r not < %r" % (first, second), msg)

    def assertLessEqual(self, first, second, msg=None):
        self._check(first <= second, "%r not <= %r" % (first, second), msg)

    def assertGreater(self, first, second, msg=None):
        self._check(first > second, "%r not > %r" % (first, second), msg)

    def assertGreaterEqual(self, first, second, msg=None):
        self._check(first >= second, "%r not >= %r" % (first, second), msg)

    def assertAlmostEqual(self, first, second, places=7, msg=None, delta=None):
        near = first == second or abs(first - second) <= (
            delta if delta is not None else 0.5 * 10.0**-places
        )
        self._check(near, "%r is not close to %r" % (first, second), msg)

    def assertRaises(self, kind, function=None, *args, **keywords):
        context = _Raises(kind)
        if function is not None:
            with context:
                function(*args, **keywords)
        return context

    def assertRaisesRegex(self, kind, text, function=None, *args, **keywords):
        context = _Raises(kind, text)
        if function is not None:
            with context:
                function(*args, **keywords)
        return context


class _Skipped:
    """Stands in for a test method or class that is not to run."""

    def __init__(self, reason):
        self.reason = reason


def skip(reason):
    return lambda _target: _Skipped(reason)


def skipIf(condition, reason):
    return skip(reason) if condition else lambda target: target


def skipUnless(condition, reason):
    return skipIf(not condition, reason)


def main(*args, **keywords):
    """Does nothing: the runner calls `run`."""


def _attempt(call):
    """None when `call()` passes, otherwise ("skip" or "fail", reason); prints the traceback."""
    try:
        call()
    except SkipTest as error:
        return "skip", str(error)
    except Exception as error:
        sys.print_exception(error)
        return "fail", ""
    return None


def _one(case, method):
    def body():
        test = case()
        test.setUp()
        try:
            getattr(test, method)()
        finally:
            test.tearDown()

    return _attempt(body) or ("ok", "")


def run(module, names):
    """Run the tests `names` ("Class.method") of an imported module. Returns the failures."""
    failures = 0
    order = []
    for name in names:
        if name.split(".")[0] not in order:
            order.append(name.split(".")[0])
    for class_name in order:
        case = getattr(module, class_name)
        methods = [n.split(".")[1] for n in names if n.split(".")[0] == class_name]
        skipped = ("skip", case.reason) if isinstance(case, _Skipped) else None
        broken = skipped or _attempt(case.setUpClass)
        for method in methods:
            if broken:
                kind, reason = broken
            elif isinstance(getattr(case, method), _Skipped):
                kind, reason = "skip", getattr(case, method).reason
            else:
                kind, reason = _one(case, method)
            failures += kind == "fail"
            print("@" + kind, class_name + "." + method, reason.replace("\n", " "), sep="\t")
        if not broken:
            _attempt(case.tearDownClass)
    return failures
