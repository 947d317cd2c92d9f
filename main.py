# SPDX-License-Identifier: Apache-2.0
"""Build the app from the board and its config, and run it; log and reset if it ever ends."""

import gc
import sys
import time

import machine

_RESET_AFTER_S = 5
_COLLECT_EVERY = 32768

store = app = None


def last_resort(error) -> None:
    """Note why the app ended and reset."""
    global app
    app = None  # it has been closed
    gc.collect()
    sys.print_exception(error)
    if store is not None:
        from firmware import slots

        store.append("crash.txt", "boot %d: %s: %s\n" % (
            slots.boot_id(), type(error).__name__, error), 4096)
    time.sleep(_RESET_AFTER_S)
    machine.reset()


try:
    try:
        if globals().get("interrupted"):  # boot.py, by Ctrl-C
            raise KeyboardInterrupt
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
        terminal = Terminal(sys.stdin, sys.stdout, select.poll) if sys.stdin else None
        try:
            asyncio.run(app.run(terminal))
        finally:
            app.close()
        raise RuntimeError("the app ended")
    except Exception as error:
        last_resort(error)
except KeyboardInterrupt:  # a person takes over at the prompt; Ctrl-D goes back to work
    while True:
        try:
            from firmware import maintenance, slots

            maintenance.begin(machine, slots, app)
            break
        except KeyboardInterrupt:  # mpremote sends two
            pass
except Exception:  # no memory even for the last resort
    machine.reset()
