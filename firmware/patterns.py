# SPDX-License-Identifier: Apache-2.0
"""LEDs and buzzers: what they show over time."""

_FLASH_MS = 60
_ALIVE_MS = 5000
_FAST_MS = 150


async def run(outputs: list, clock) -> None:
    """LEDs flash briefly while all is well and blink when tripped; buzzers beep then."""
    while True:
        busy = False
        for output in outputs:
            busy = busy or output.tripped
            output.drive(output.tripped or output.driver == "led")
        await clock.sleep_ms(_FAST_MS if busy else _FLASH_MS)
        for output in outputs:
            output.drive(False)
        await clock.sleep_ms(_FAST_MS if busy else _ALIVE_MS)
