# SPDX-License-Identifier: Apache-2.0
"""Schema and rules of the optional parts of a pipeline; imported when a configuration has one."""

from tocsin.config.schema import ANY, NAME, SECONDS, note, optional

_DOOR = ("object", {
    "input": optional(NAME), "rise": (("num", 0.1, 100, "°C"), 4),
    "rise_s": (("num", 10, 3600, "s"), 300), "humidity_jump": optional(("num", 0.1, 100, "%"))})

_DEFROST = ("object", {
    "input": optional(NAME), "start": (("num", -273, 200, "°C"),),
    "end": (("num", -273, 200, "°C"),), "max_s": (("num", 60, 86400, "s"), 3600),
    "min_interval_s": (SECONDS, 14400), "recovery_s": (SECONDS, 1800)})

COLD_CHAIN = ("object", {
    "temperature": (NAME,), "humidity": optional(NAME),
    "mkt_h": optional(("int", 1, 720, "h")), "door": optional(_DOOR),
    "defrost": optional(_DEFROST),
    "compressor": optional(("object", {
        "input": (NAME,), "on": (ANY,), "window_s": (("int", 24, 2678400, "s"), 86400)}))})

VIBRATION = ("object", {
    "value": (NAME, "velocity_rms"),
    "zones": optional(("list", ("num", 0, 1e6, "mm/s"), 3)),
    "baseline_windows": (("int", 1, 16384, "windows"), 200), "baseline": optional(ANY),
    "drift_shift": (("int", 1, 14, ""), 9)})


def check_parts(pipeline: dict, path: str, problems: list):
    """Append one line per contradiction in cold_chain and vibration."""
    zones = (pipeline.get("vibration") or {}).get("zones")
    if zones is not None and (len(zones) != 3 or not zones[0] < zones[1] < zones[2]):
        note(problems, path + ".vibration.zones", "zones")
    chain = pipeline.get("cold_chain") or {}
    defrost = chain.get("defrost")
    if defrost is not None and defrost["end"] > defrost["start"]:
        note(problems, path + ".cold_chain.defrost.end", "end")
    door = chain.get("door")
    if door is not None and door.get("humidity_jump") and chain.get("humidity") is None:
        note(problems, path + ".cold_chain.door.humidity_jump", "needs", "humidity")
