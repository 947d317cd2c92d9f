# SPDX-License-Identifier: Apache-2.0
"""LEDs and buzzers: what they show over time, in a round of 3.2 seconds.

                 LED                          buzzer
    all is well  a flash                      silent
    acknowledged on                           silent
    sensor fault or data missing
                 three flashes                a click
    warning      1.6 s on, 1.6 s off          two short beeps
    alarm        fast                         beeps, as fast
"""

from firmware.outputs import RAISED

_SLOT_MS = 200
_SLOTS = 16
_LED = (0b1, 0xFFFF, 0b10101, 0xFF, 0x5555)
_BUZZER = (0, 0, 0b1, 0b101, 0x5555)
"""One bit per slot, by what the output shows."""


async def run(outputs: list, clock) -> None:
    """Drive them for ever."""
    slot = 0
    while True:
        for output in outputs:
            shows = RAISED if output.testing else output.shows
            table = _LED if output.driver == "led" else _BUZZER
            output.drive(table[shows] >> slot & 1 == 1)
        await clock.sleep_ms(_SLOT_MS)
        slot = (slot + 1) % _SLOTS
