# SPDX-License-Identifier: Apache-2.0
"""What every feature's configuration is checked with."""


class FeatureError(ValueError):
    """A feature configuration that cannot be computed; the message says what to change."""


def integer(feature: dict, key: str, low: int, high: int, default=None) -> int:
    """feature[key], checked to be an int in low..high. Raises FeatureError."""
    value = feature.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise FeatureError(
            "%s: %s must be %d to %d, not %r" % (feature["kind"], key, low, high, value)
        )
    return value


def pairs(feature: dict, key: str, values, high: int) -> None:
    """Check a flat list lo, hi, lo, hi, ... with 0 <= lo < hi <= high. Raises FeatureError."""
    good = isinstance(values, list) and values and not len(values) & 1
    if good:
        for i in range(0, len(values), 2):
            lo, hi = values[i], values[i + 1]
            if not (isinstance(lo, int) and isinstance(hi, int) and 0 <= lo < hi <= high):
                good = False
    if not good:
        raise FeatureError(
            "%s: %s must list bins lo, hi, ... with 0 <= lo < hi <= %d"
            % (feature["kind"], key, high)
        )
