# SPDX-License-Identifier: Apache-2.0
"""LEDs and buzzers: what they show over time."""

_FLASH_MS = 60
_ALIVE_MS = 5000
_FAST_MS = 150
_LOOK_MS = 200


async def run(outputs: list, clock) -> None:
    """LEDs flash briefly while all is well and blink when tripped; buzzers beep then."""
    while True:
        busy = _tripped(outputs)
        for output in outputs:
            output.drive(output.tripped or output.driver == "led")
        await clock.sleep_ms(_FAST_MS if busy else _FLASH_MS)
        for output in outputs:
            output.drive(False)
        if busy:
            await clock.sleep_ms(_FAST_MS)
            continue
        left = _ALIVE_MS
        while left > 0 and not _tripped(outputs):
            await clock.sleep_ms(_LOOK_MS)
            left -= _LOOK_MS


def _tripped(outputs: list) -> bool:
    return any(output.tripped for output in outputs)
