# SPDX-License-Identifier: Apache-2.0
"""Local outputs: a relay that stops the line, an LED, a buzzer. They wait for no network.

Each output watches some alarms and is active while one of them is at its level or worse. A
fail-safe output treats "don't know" (sensor fault, data missing) as active too, and its relay is
energised while all is well, so that a dead board, a loose wire and an alarm all stop the line.
"""

from tocsin.monitor.alarm import ALARM, WARNING

WELL, SEEN, BLIND, WARNED, RAISED = range(5)
"""What an output shows, least urgent first; SEEN: all that stands has been acknowledged."""


class Output:
    """One output. settings: its section of the config. pin: callable with a level, or None.

    blind: one of its alarms could not be armed, which a fail-safe output takes for an alarm.

    active: what the alarms say now. tripped: what the pin shows; with `latch` it stays until
    `acknowledge`. shows: WELL .. RAISED, what an LED or a buzzer tells. testing: shows a trip all
    the same. level_on: pin level while tripped.
    """

    def __init__(self, name: str, settings: dict, alarms: list, pin, blind: bool = False):
        self.name = name
        self.driver = settings["driver"]
        self.active = False
        self.tripped = self.testing = False
        self.shows = WELL
        self._alarms = alarms
        self._pin = pin
        self.latch = settings["latch"]
        self._fail_safe = settings["fail_safe"] and self.driver == "relay"
        self._blind = blind and self._fail_safe
        self._level = ALARM if settings["level"] == "alarm" else WARNING
        self.level_on = 0 if self._fail_safe else 1

    def update(self) -> bool:
        """Follow the alarms; True when `tripped` changed. Allocates nothing."""
        active = self._blind
        shows = WELL
        for alarm in self._alarms:
            blind = alarm.sensor_fault or alarm.data_missing
            if alarm.state >= self._level:
                active = True
                seen = SEEN if alarm.acknowledged else WARNED if alarm.state < ALARM else RAISED
                shows = max(shows, seen)
            elif blind and self._fail_safe:
                active = True
            if blind:
                shows = max(shows, BLIND)
        self.active = active
        self.shows = RAISED if self.latch and self.tripped and not active else shows
        if active == self.tripped or (self.latch and self.tripped):
            return False
        self.tripped = active
        self.show()
        return True

    def show(self) -> None:
        """Drive a relay's pin; an LED's or buzzer's belongs to the pattern task."""
        if self.driver == "relay":
            self.drive(self.tripped or self.testing)

    def stop(self) -> None:
        """Nobody watches from now on: a fail-safe relay trips, the others fall silent."""
        self.drive(self._fail_safe)

    def acknowledge(self) -> bool:
        """Release a latched output; False while its alarms are still there."""
        if self.active:
            return False
        self.tripped = False
        self.update()
        self.show()
        return True

    def restore(self, names) -> None:
        """After a reset: one that latches and was tripped still is."""
        if self.latch and self.name in names:
            self.tripped = True

    def drive(self, on: bool) -> None:
        """Set the pin."""
        if self._pin is not None:
            self._pin(self.level_on if on else 1 - self.level_on)


class Outputs:
    """All outputs, in `all`. `make_pin(number)` gives a callable output pin that starts at 0."""

    def __init__(self, sections: dict, alarms: dict, make_pin):
        self.all = []
        for name in sections:
            settings = sections[name]
            pin = None if settings["pin"] is None else make_pin(settings["pin"])
            watched = [alarms[a] for a in settings["alarms"] if a in alarms]
            blind = len(watched) < len(settings["alarms"])
            self.all.append(Output(name, settings, watched, pin, blind))

    def start(self) -> None:
        """All is built: take relays out of the state they power up in."""
        for output in self.all:
            output.update()
            output.show()

    def update(self) -> list:
        """After an alarm changed: names of the outputs that changed."""
        return [output.name for output in self.all if output.update()]

    def find(self, name: str):
        """The output of that name, or None."""
        for output in self.all:
            if output.name == name:
                return output
        return None

    def latched(self) -> list:
        """Names of those that stay tripped until acknowledged."""
        return [o.name for o in self.all if o.tripped and o.latch]

    def tripped(self) -> list:
        """Names of relays that are tripped."""
        return [o.name for o in self.all if o.tripped and o.driver == "relay"]
