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
