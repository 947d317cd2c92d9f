# SPDX-License-Identifier: Apache-2.0
"""Build the app from the board and its config, and run it; log and reset if it ever ends."""

import gc
import sys
import time

import machine
import micropython

_CTRL_C = 3
_RESET_AFTER_S = 5
_COLLECT_EVERY = 32768

watchdog = store = app = slots = None
reason = "the app ended"
try:
    # what stays is loaded between garbage: collected late, that leaves no 16 KB in one piece
    gc.threshold(_COLLECT_EVERY)
    from firmware.watchdog import Watchdog

    watchdog = Watchdog(machine)
    import asyncio
    import os
    import select

    from firmware import slots
    from firmware.clock import Clock
    from firmware.store import Store
    from firmware.terminal import Terminal

    store = Store(os, slots.root())
    slots.running()
    if slots.safe():
        from firmware.safe import SafeApp as App
    else:
        from firmware.app import App

    app = App(Clock(time, asyncio, slots.boot_id()), store, machine, boot=slots,
              watchdog=watchdog)
    gc.threshold(-1)  # nothing stays from now on: collect when the heap is full
    try:
        asyncio.run(app.run(Terminal(sys.stdin, sys.stdout, select.poll) if sys.stdin else None))
    finally:
        app.close()
except KeyboardInterrupt:  # a person takes over at the prompt; Ctrl-D goes back to work
    micropython.kbd_intr(-1)  # pressed again it must not end what follows
    from firmware import maintenance, slots

    maintenance.begin(watchdog, slots, app)
    micropython.kbd_intr(_CTRL_C)
    reason = None
except Exception as error:  # the last resort: whatever it was, note it and start afresh
    reason = "%s: %s" % (type(error).__name__, error)
    sys.print_exception(error)
if reason is not None:
    if store is not None:
        store.append("crash.txt", "boot %d: %s\n" % (slots.boot_id(), reason), 4096)
    time.sleep(_RESET_AFTER_S)
    machine.reset()
