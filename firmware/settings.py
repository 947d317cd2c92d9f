# SPDX-License-Identifier: Apache-2.0
"""A sensor's settings, checked by its driver: what is wrong is said in one line."""

_COMMON = ("driver", "i2c", "spi", "address", "channels")


class Settings:
    """Of one sensor. known: its keys, beside those that every driver has. Raises ValueError."""

    def __init__(self, settings: dict, known: tuple):
        self._settings = settings
        for key in settings:
            if key not in known and key not in _COMMON:
                raise ValueError("unknown setting %s; known are %s" % (key, ", ".join(known)))

    def choose(self, key: str, valid: tuple, default) -> int:
        """The index in `valid` of a number, within 2 %."""
        value = self._settings.get(key, default)
        if isinstance(value, (int, float)):
            for i in range(len(valid)):
                if abs(value - valid[i]) <= valid[i] / 50:
                    return i
        names = ", ".join(["%g" % number for number in valid])
        raise ValueError("%s must be one of %s, not %r" % (key, names, value))

    def axes(self, names: str = "xyz") -> list:
        """The indexes in `names` of "axes"; all of them when it is left out."""
        axes = self._settings.get("axes", names)
        found = [names.find(axis) for axis in axes] if isinstance(axes, str) else []
        if not found or min(found) < 0 or len(set(found)) < len(found):
            raise ValueError("axes must be some of %s, each once, not %r" % (names, axes))
        return found

    def number(self, key: str, low, high, default=None):
        """A number from low to high."""
        value = self._settings.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or \
                not low <= value <= high:
            raise ValueError("%s must be %g to %g, not %r" % (key, low, high, value))
        return value

    def text(self, key: str, default: str) -> str:
        """A short text."""
        value = self._settings.get(key, default)
        if not isinstance(value, str) or len(value) > 32:
            raise ValueError("%s must be a text of up to 32 characters, not %r" % (key, value))
        return value

    def one_of(self, key: str, valid: tuple, default):
        """One of a few texts."""
        value = self._settings.get(key, default)
        if value not in valid:
            raise ValueError("%s must be %s, not %r" % (key, " or ".join(valid), value))
        return value

    def pin(self, key: str = "pin"):
        """A pin: its number, or its name where the board has names."""
        value = self._settings.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise ValueError("%s must be the number of a pin, not %r" % (key, value))
        return value

    def channel(self, name: str, unit: str, scale: float = 0.01, offset: float = 0.0) -> dict:
        """A channel; settings["prefix"] goes before its name."""
        return {"name": self.text("prefix", "") + name, "unit": unit, "scale": scale,
                "offset": offset}

    def items(self, key: str, fewest: int, most: int, default) -> list:
        """A list of fewest to most items."""
        value = self._settings.get(key, default)
        if not isinstance(value, list) or not fewest <= len(value) <= most:
            raise ValueError("%s must be a list of %s, not %r" % (
                key, most if fewest == most else "%d to %d" % (fewest, most), value))
        return value

    def line(self, key: str, volt: float) -> tuple:
        """(scale, offset) of counts of `volt` V each, through two points [volts, value]."""
        points = self._settings.get(key)
        if points is None:
            points = [[0, 0], [1, 1]]
        try:
            (v0, y0), (v1, y1) = points
            slope = (y1 - y0) / (v1 - v0)
        except (ValueError, TypeError, ZeroDivisionError):
            slope = 0
        if not slope:
            raise ValueError("%s must be like [[0.6, 0], [3.0, 10]] (volts, value), both "
                             "different, not %r" % (key, points))
        return slope * volt, y0 - v0 * slope
