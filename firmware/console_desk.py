# SPDX-License-Identifier: Apache-2.0
"""Which command is where, and what commands work with.

A command is a generator `do_NAME(desk, words, rest)`: a str is a line to show, None a moment for
the other tasks, an int a pause in ms. It raises ValueError with one line that says what to do.
"""

import sys

_LOOK = ("status", "sensors", "live", "alarms", "network")
_READ = ("show", "log", "audit", "export")
_ACT = ("ack", "release", "reset", "reboot", "test", "who")
_SET = ("set", "calibrate", "push", "learn")
_CHECKER = tuple(["tocsin.config." + name for name in (
    "strict", "schema", "defaults", "redaction", "edit", "rules")])
_LOG = ("tocsin.link.chain", "firmware.audit", "firmware.changes")
_HOMES = (
    (_LOOK, "look", ("firmware.console_text", "firmware.console_units")),
    (_READ, "read", ("firmware.console_text", "firmware.console_units") + _LOG + _CHECKER),
    (_ACT, "act", ("firmware.operator",) + _LOG),
    (_SET, "set", _LOG + _CHECKER + ("firmware.console_text", "firmware.console_units",
                                     "tocsin.monitor.retune")),
    (("help",), "help", ()))
"""Commands, the module they are in, and what that needs: each takes a Pico some 25 ms to load."""


class CommandError(ValueError):
    """A command that can't be done; one line that says what to do."""


class Desk:
    """What commands work with: app, who (is typing), pushed (a file that is being received)."""

    def __init__(self, app, who: str = "usb"):
        self.app = app
        self.who = who
        self.pushed = None

    @property
    def audit(self):
        """The audit log, opened when first needed."""
        from firmware.changes import open_audit

        return open_audit(self.app)

    def note(self, what: str, path: str, old=None, new=None) -> None:
        """Write down what was done. Raises CommandError when that is impossible."""
        if not self.audit.add(self.who, what, path, old, new):
            raise CommandError("the audit log can't be written (flash full?); not done")


def names() -> list:
    """Every command."""
    found = []
    for commands, _, _ in _HOMES:
        found.extend(commands)
    return found


def answer(desk, line: str):
    """Generator: the answer to one typed line."""
    words = line.split()
    if not words:
        return
    name = words[0].lower()
    for commands, home, needed in _HOMES:
        if name in commands:
            for other in needed:
                if other not in sys.modules:
                    __import__(other)
                    yield None
            module = __import__("firmware.console_" + home, None, None, ("do_" + name,))
            yield None
            rest = line[line.find(words[0]) + len(words[0]):].strip()
            yield from getattr(module, "do_" + name)(desk, words[1:], rest)
            return
    from firmware.console_help import nearest

    raise CommandError("no command %s; %s" % (printable(words[0]), nearest(name, names())))


def printable(text: str) -> str:
    """At most 24 characters of what was typed, fit for a line."""
    return "".join([c if " " <= c < "\x7f" else "?" for c in text[:24]])
