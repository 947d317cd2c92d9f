# SPDX-License-Identifier: Apache-2.0
"""Which backend computes the spectra on boards that have two: the board file says it, or a clock.

/board.json is the board's file of board_configs; its key "backend" is "ulab", "native", or null
for the faster one. That is measured once and kept in /backend.json until the firmware, the library
or the backends change; where the file cannot be kept or read, each boot measures again.
"""

import json
import sys

from firmware.log import INFO, WARN
from tocsin import __version__, kernels
from tocsin.kernels.choice import ChoiceError, choose, measure
from tocsin.monitor.ticks import diff

_BOARD = "board.json"
_KEPT = "backend.json"
_LIMIT = 4096


def settle(store, clock, log) -> None:
    """Choose among `kernels.CANDIDATES` and log it; before the first kernel is asked for."""
    wanted = _object(store, _BOARD).get("backend")
    if wanted is not None:
        try:
            choose(kernels.CANDIDATES[0] if wanted == "native" else wanted)
            log.add(INFO, "kernels: %s, as the board file says" % kernels.BACKEND)
            return
        except (ChoiceError, TypeError) as error:
            log.add(WARN, "board file: backend: %s" % error)
    kept = _object(store, _KEPT)
    us = kept.get("us")
    if kept.get("runtime") != _runtime() or not _complete(us):
        us = _measure(clock, log)
        text = json.dumps({"runtime": _runtime(), "us": us})
        if None not in us.values() and not store.replace(_KEPT, text.encode()):
            log.add(WARN, "%s not written, the next boot measures again" % _KEPT)
    best = kernels.CANDIDATES[0]
    for name in kernels.CANDIDATES:
        if us[name] is not None and (us[best] is None or us[name] < us[best]):
            best = name
    try:
        choose(best)
    except ChoiceError as error:
        log.add(WARN, "kernels: %s" % error)
    times = ["%s %s us" % (name, us[name]) for name in kernels.CANDIDATES]
    log.add(INFO, "kernels: %s (%s)" % (kernels.BACKEND, ", ".join(times)))


def _runtime() -> str:
    """What the times were measured with."""
    return "%s; tocsin %s" % (sys.version, __version__)


def _complete(us) -> bool:
    """Whether there is a time for each backend and no other."""
    if not isinstance(us, dict) or set(us) != set(kernels.CANDIDATES):
        return False
    return all(type(value) is int for value in us.values())


def _measure(clock, log) -> dict:
    """Backend -> us; None for one that fails, which is then never chosen over the first."""
    us = {}
    for name in kernels.CANDIDATES:
        try:
            us[name] = measure(name, clock.ticks_us, diff)
        except Exception as error:  # foreign code; whatever it raises, the other one works
            us[name] = None
            log.add(WARN, "kernels: %s not usable: %r" % (name, error))
    return us


def _object(store, name: str) -> dict:
    """The JSON object in a file; empty for none or a damaged one."""
    data = store.read(name, _LIMIT)
    try:
        value = json.loads(data) if data is not None else None
    except (ValueError, RuntimeError):
        return {}
    return value if isinstance(value, dict) else {}
