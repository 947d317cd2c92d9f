# SPDX-License-Identifier: Apache-2.0
"""What a reference thermometer said: an offset per channel, added to what the driver gives.

In a pipeline's "sensor": "calibration": {CHANNEL: {"offset": number, "date": text}}.
"""


def apply(channels: list, calibration: dict, problems: list) -> list:
    """The driver's channels with calibrated offsets, as copies; damaged entries are reported."""
    result = []
    for channel in channels:
        mine = dict(channel)
        result.append(mine)
        try:
            mine["offset"] = channel["offset"] + offset_of(calibration, channel["name"])
        except ValueError as error:
            problems.append(str(error))
    return result


def offset_of(calibration, name: str) -> float:
    """The offset of one channel, 0.0 without one. Raises ValueError for a damaged entry."""
    entry = calibration.get(name) if isinstance(calibration, dict) else calibration
    if entry is None:
        return 0.0
    offset = entry.get("offset") if isinstance(entry, dict) else None
    if isinstance(offset, bool) or not isinstance(offset, (int, float)):
        raise ValueError("calibration of %s is damaged; calibrate it again" % name)
    return offset
