# SPDX-License-Identifier: Apache-2.0
"""Build the app from the board and its config, and run it; log and reset if it ever ends."""

import asyncio
import gc
import os
import select
import sys
import time

import machine

from firmware import slots
from firmware.store import Store

_RESET_AFTER_S = 10
_COLLECT_EVERY = 32768

# what stays is loaded between garbage: collected late, that leaves no 16 KB in one piece on a Pico
gc.threshold(_COLLECT_EVERY)
store = Store(os, slots.root())
app = None
try:
    from firmware.app import App
    from firmware.clock import Clock
    from firmware.terminal import Terminal

    app = App(Clock(time, asyncio, slots.boot_id()), store, machine)
    gc.threshold(-1)  # nothing stays from now on: collect when the heap is full
    asyncio.run(app.run(Terminal(sys.stdin, sys.stdout, select.poll) if sys.stdin else None))
    reason = "the app ended"
except KeyboardInterrupt:  # Ctrl-C: a person takes over at the Python prompt
    from firmware import maintenance

    maintenance.begin(machine, app)
    reason = None
except Exception as error:  # the last resort: whatever it was, note it and start afresh
    sys.print_exception(error)
    reason = "%s: %s" % (type(error).__name__, error)
if reason is not None:
    store.append("crash.txt", "boot %d: %s\n" % (slots.boot_id(), reason), 4096)
    time.sleep(_RESET_AFTER_S)
    machine.reset()
