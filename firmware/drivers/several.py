# SPDX-License-Identifier: Apache-2.0
"""Several slow sensors as one: a room's SHT31, its probes, door and compressor in one pipeline.

Settings: sensors (a list of the settings of each, without interval_s), interval_s. Channels come
in the order of the list and need different names; -32768 where a sensor has no reading.
"""


def make(settings: dict, clock, store, hardware):
    """Driver `several`. Raises ValueError, and OSError when none of them answers."""
    hardware.checked(settings, ("interval_s", "sensors"))
    sensors = settings.get("sensors")
    if not isinstance(sensors, list) or not sensors:
        raise ValueError('sensors must be a list like [{"driver": "sht31"}, ..]')
    found = []
    for part in sensors:
        if not isinstance(part, dict) or not isinstance(part.get("driver"), str):
            raise ValueError("each of sensors needs a driver")
        name = part["driver"]
        if "interval_s" in part:
            raise ValueError("interval_s stands beside sensors, for all of them")
        try:
            chips = hardware.driver(name).chips
        except (ImportError, AttributeError):
            raise ValueError("%s cannot be one of several; give it a pipeline of its own" % name)
        found += chips(part, clock, hardware)
    return hardware.slow(found, settings, clock)
