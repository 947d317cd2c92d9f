# SPDX-License-Identifier: Apache-2.0
"""What there is to type."""

_TEXTS = (
    ("status", "", "what goes on"),
    ("sensors", "", "every channel now"),
    ("live", "[PIPELINE] [SECONDS]", "values each second, until a key"),
    ("alarms", "", "state, value, limit, least and greatest value"),
    ("ack", "[ALARM]", "seen: one alarm or all"),
    ("release", "OUTPUT", "let a latched output go"),
    ("show", "[PATH]", "the configuration, or a part of it"),
    ("set", "PATH VALUE", "change it: set alarms.temp_high.limit 8.0"),
    ("calibrate", "CHANNEL OFFSET", "what a reference says more: calibrate t1 0.3"),
    ("learn", "[WINDOWS [PIPELINE [PERCENT]] | stop]", "learn what is normal here, then freeze"),
    ("test", "OUTPUT", "trip it for 2 s"),
    ("reset", "ALARM | all", "forget least, greatest and time outside"),
    ("reboot", "yes", "start the board again"),
    ("log", "[LINES]", "newest lines of the log"),
    ("audit", "[ENTRIES]", "who changed what, and whether the log is whole"),
    ("network", "", "network and bytes sent"),
    ("export", "[config | log | audit | records]", "a file, line by line"),
    ("push", "begin SIZE SHA256 | DATA | end", "a whole configuration (tocsin config push)"),
    ("who", "[NAME]", "who is typing, for the audit log"),
)


def do_help(desk, words, rest):
    """All commands, or one."""
    rows = [("%s %s" % (name, usage), text) for name, usage, text in _TEXTS
            if not words or name == words[0].lower()]
    if not rows:
        raise ValueError("no such command; help lists them")
    width = 0 if words else 28
    for usage, text in rows:
        yield usage + " " * max(2, width - len(usage)) + text
    if not words:
        yield "Ctrl-C stops the monitoring for the Python prompt, Ctrl-D there starts it again"


def nearest(name: str, known: list) -> str:
    """What may have been meant."""
    best, least = None, 3
    for candidate in known:
        far = 0 if candidate[:len(name)] == name else _distance(name[:12], candidate)
        if far < least:
            best, least = candidate, far
    return "did you mean %s?" % best if best else "help lists the commands"


def _distance(a: str, b: str) -> int:
    """Letters to change, add or leave out to turn one word into the other (Levenshtein)."""
    row = list(range(len(b) + 1))
    for i in range(len(a)):
        before, row[0] = row[0], i + 1
        for j in range(len(b)):
            cost = before + (0 if a[i] == b[j] else 1)
            before = row[j + 1]
            row[j + 1] = min(cost, before + 1, row[j] + 1)
    return row[len(b)]
