# SPDX-License-Identifier: Apache-2.0
"""The console's commands at the Python prompt.

    from firmware import console
    console.status()
    console.set("alarms.temp_high.limit", 8.0)
"""

from firmware import terminal
from firmware.console_desk import CommandError, Desk, answer, names


def at_prompt(name: str, *words) -> None:
    """Run a command at the Python prompt and print its answer."""
    import time

    if not terminal.running:
        raise CommandError("no app has been running; press Ctrl-D to start it")
    line = " ".join([name] + [str(word) for word in words])
    desk = Desk(terminal.running[0], "repl")
    try:
        for step in answer(desk, line):
            if isinstance(step, str):
                print(step)
            elif step:
                time.sleep_ms(step)
    except ValueError as error:
        print("error: %s" % error)
    finally:
        desk.finish()


def __getattr__(name: str):
    if name not in names():
        raise AttributeError(name)
    return lambda *words: at_prompt(name, *words)
