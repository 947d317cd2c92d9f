# SPDX-License-Identifier: Apache-2.0
"""First code after a reset: choose the slot and count the boot attempt, nothing else.

Whatever goes wrong here, main.py must still run: MicroPython skips it after an exception.
"""

try:
    from firmware import slots

    slots.start()
except Exception as error:
    print("boot.py:", repr(error))
