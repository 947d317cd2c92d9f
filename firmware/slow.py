# SPDX-License-Identifier: Apache-2.0
"""The sensor driver of slow chips: one reading of each of them every `interval_s`.

A chip that fails costs its own channels (-32768, missing), not those of the others.
"""

MISSING = -32768

_INTERVAL_S = 60
_SHORTEST_S = 0.2
_LONGEST_S = 3600


class Slow:
    """A driver (see README). Raises ValueError, and OSError when no chip answers.

    chips: each with name, channels, start() (identify it and set it up; also after a failure) and
    async measure(block, at) (its channels' int16 to block[at:]; one without a reading is left
    alone, and the OSError that says why is returned). Both raise OSError.
    One with late = True counts: its first sample comes after the first interval.
    settings: interval_s, 60 by default.

    errors: per chip what is wrong with it, None when its newest reading was good.
    """

    parts = False

    def __init__(self, chips: list, settings: dict, clock):
        self.chips = chips
        self.channels = []
        for chip in chips:
            self.channels += chip.channels
        names = [channel["name"] for channel in self.channels]
        for name in names:
            if names.count(name) > 1:
                raise ValueError("two channels are called %s; set name or prefix" % name)
        interval = settings.get("interval_s", _INTERVAL_S)
        if not isinstance(interval, (int, float)) or not _SHORTEST_S <= interval <= _LONGEST_S:
            raise ValueError("interval_s must be %g to %d, not %r"
                             % (_SHORTEST_S, _LONGEST_S, interval))
        self.rate_mhz = max(1, int(round(1000 / interval)))
        self.dropped = 0
        self.errors = [None] * len(chips)
        self._started = [False] * len(chips)
        self._interval_ms = int(interval * 1000)
        self._clock = clock
        self._due_ms = clock.ticks_ms()
        for i in range(len(chips)):
            if getattr(chips[i], "late", False):
                self._due_ms = clock.add(clock.ticks_ms(), self._interval_ms)
            try:
                chips[i].start()
                self._started[i] = True
            except OSError as error:
                self.errors[i] = error
        if True not in self._started:
            raise self.errors[0]

    async def read(self, block) -> int:
        """One sample when it is due. Raises OSError when no channel has a reading."""
        clock = self._clock
        wait = clock.diff(self._due_ms, clock.ticks_ms())
        if wait < -self._interval_ms:
            self._due_ms = clock.ticks_ms()
        await clock.sleep_ms(wait)
        self._due_ms = clock.add(self._due_ms, self._interval_ms)
        at = 0
        for i in range(len(self.chips)):
            await self._measure(i, block, at)
            at += len(self.chips[i].channels)
        for i in range(at):
            if block[i] != MISSING:
                return 1
        for error in self.errors:
            if error is not None:
                raise error
        raise OSError("no channel has a reading")

    async def _measure(self, which: int, block, at: int) -> None:
        chip = self.chips[which]
        width = len(chip.channels)
        for i in range(width):
            block[at + i] = MISSING
        try:
            if not self._started[which]:
                chip.start()
                self._started[which] = True
            self.errors[which] = await chip.measure(block, at)
            self._started[which] = self.errors[which] is None
        except OSError as error:
            for i in range(width):
                block[at + i] = MISSING
            self._started[which] = False
            self.errors[which] = error
