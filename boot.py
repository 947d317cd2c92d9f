# SPDX-License-Identifier: Apache-2.0
"""First code after a reset: choose the slot and count the boot attempt, nothing else.

Whatever goes wrong here, main.py must still run: MicroPython skips it after an exception.
"""

interrupted = False
try:
    from firmware import slots

    slots.start()
except KeyboardInterrupt:  # main.py shares these names: it gives the person the prompt
    interrupted = True
except Exception as error:
    print("boot.py:", repr(error))
