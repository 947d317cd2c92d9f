# SPDX-License-Identifier: Apache-2.0
"""The report's plots: what each shows, from the board's events and the figures."""

import math
from typing import Any

from tools.demo import scenario
from tools.demo.chart import Canvas, Point, figure


def _hours(seconds: float) -> float:
    return seconds / 3600


def _spans(events: list[dict[str, Any]], key: str) -> list[Point]:
    """(start, end) in hours of every stretch in which `key` of the room was 1."""
    spans: list[Point] = []
    since = None
    for event in events:
        if event[key] and since is None:
            since = event["t"]
        elif not event[key] and since is not None:
            spans.append((_hours(since), _hours(event["t"])))
            since = None
    if since is not None:
        spans.append((_hours(since), _hours(events[-1]["t"])))
    return spans


def _alarms(canvas: Canvas, result: dict[str, Any], board: str, rules: tuple[str, ...]) -> None:
    for span in result["alarms"]:
        if span["board"] == board and span["rule"] in rules:
            canvas.span(_hours(span["start"]), _hours(span["end"]), "alarm", span["rule"])


def _series(run: Any, name: str, running_only: bool = False) -> list[Point]:
    """(hour, value) of a value in the board's status reports."""
    points = []
    for event in run.events:
        if event["kind"] != "status":
            continue
        status = event["status"]["pipelines"][run.name]
        if name in status["values"] and status["windows"] and (
                status["running"] or not running_only):
            points.append((_hours(event["t"]), status["values"][name]))
    return points


def _faults(canvas: Canvas, result: dict[str, Any], board: str) -> None:
    """Mark when each fault of a board began and when the board first said so."""
    faults = [fault for fault in result["faults"] if fault["board"] == board]
    for row, fault in enumerate(faults):
        canvas.moment(_hours(fault["start"]), "onset", fault["name"], 2 * row)
        if fault["detected"] is not None:
            canvas.moment(_hours(fault["detected"]), "found",
                          f"found, {fault['delay_s'] / 60:.0f} min", 2 * row + 1)


def temperature(run: Any, result: dict[str, Any], span: Point) -> str:
    """Temperature with its limits, alarms, defrosts and doors."""
    events = [event for event in run.events if event["kind"] == "room"]
    points = [(_hours(event["t"]), event["temperature"] / 100) for event in events[::3]]
    doors, defrosts = _spans(events, "door"), _spans(events, "defrost")
    top = max(12.0, max(value for _, value in points) + 1)

    def draw(width: int, height: int) -> Canvas:
        canvas = Canvas(width, height, span, (0, top), strip=32, left=52)
        canvas.hours(*span)
        canvas.ticks(range(0, int(top) + 1, 4))
        canvas.unit("°C")
        _alarms(canvas, result, "room", ("temp_high", "temp_low"))
        canvas.level(8, "limit", "limit 8 °C")
        canvas.level(2, "limit", "limit 2 °C")
        canvas.line(points, "value")
        canvas.strip(0, doors, "doors", "door")
        canvas.strip(1, defrosts, "defrosts", "defrost")
        return canvas

    return figure(draw, "Temperature in the cold room. Neither a door opened for work nor a "
                  "defrost raises an alarm; the door left open and the dying compressor do.",
                  [("value", "temperature"), ("alarm", "temperature alarm"),
                   ("doors", "door open"), ("defrosts", "defrost")], 300)


def pattern(run: Any, result: dict[str, Any], span: Point) -> str:
    """The model's score of the room."""
    points = _series(run, "score")
    top = max(3.0, min(12.0, max((value for _, value in points), default=0) * 1.1))

    def draw(width: int, height: int) -> Canvas:
        canvas = Canvas(width, height, span, (0, top), left=52)
        canvas.hours(*span)
        canvas.ticks([tick for tick in (0, 1, 2, 4, 6, 8, 10, 12) if tick <= top])
        canvas.unit("score")
        _alarms(canvas, result, "room", ("pattern", "door_open", "duty"))
        canvas.level(1, "limit", "edge of normal")
        canvas.line(points, "value")
        _faults(canvas, result, "room")
        return canvas

    return figure(draw, "How unusual the room's behaviour is (1 is the edge of what training "
                  "saw), with the moment each fault began and was first reported by any rule: "
                  "door open too long, compressor running all the time, temperature, pattern.",
                  [("value", "score"), ("alarm", "door, duty or pattern alarm")], 230)


def _standstill(canvas: Canvas, run: Any) -> None:
    since = None
    for event in run.events:
        if event["kind"] != "status":
            continue
        running = event["status"]["pipelines"][run.name]["running"]
        if not running and since is None:
            since = event["t"]
        elif running and since is not None:
            canvas.span(_hours(since), _hours(event["t"]), "off", "motor off")
            since = None
    if since is not None:
        canvas.span(_hours(since), _hours(run.last_t), "off", "motor off")


def motor_score(run: Any, result: dict[str, Any], span: Point) -> str:
    """Vibration score, fault onset, moment of detection."""
    points = _series(run, "score", running_only=True)
    top = max(4.0, max((value for _, value in points), default=0) * 2)

    def draw(width: int, height: int) -> Canvas:
        canvas = Canvas(width, height, span, (0.25, top), log_y=True, left=52)
        canvas.hours(*span)
        canvas.ticks([tick for tick in (0.5, 1, 2, 5, 10, 20, 50, 100) if tick <= top])
        canvas.unit("score (log)")
        _standstill(canvas, run)
        _alarms(canvas, result, "motor", ("bearing",))
        canvas.level(1, "limit", "edge of normal")
        canvas.line([(x, max(0.25, value)) for x, value in points], "value", gap=0.2)
        _faults(canvas, result, "motor")
        return canvas

    grown = next((f["severity"] for f in result["faults"]
                  if f["board"] == "motor" and f.get("severity") is not None), None)
    seen = "" if grown is None else \
        f" When it was found the defect had {100 * grown:.1f} % of its final strength."
    return figure(draw, "Vibration score of the motor. The bearing's outer race starts to spall "
                  f"at noon; load changes all day do not disturb the score.{seen}",
                  [("value", "score"), ("alarm", "bearing alarm"), ("off", "motor off")], 280)


def velocity(run: Any, result: dict[str, Any], span: Point) -> str:
    """Velocity RMS in the zones of a machine class."""
    value = scenario.motor()["pipelines"]["motor"]["vibration"]["value"]
    a, b, c = scenario.motor()["pipelines"]["motor"]["vibration"]["zones"]
    points = _series(run, value, running_only=True)
    found = next((f["detected"] for f in result["faults"] if f["board"] == "motor"), None)
    left = next((x for i, (x, _) in enumerate(points)
                 if i >= 9 and sum(v for _, v in points[i - 9:i + 1]) / 10 >= a), None)
    words = "Its ten-minute mean stays in zone A all day."
    if left is not None:
        words = f"Its ten-minute mean leaves zone A at {int(left):02d}:{int(left % 1 * 60):02d}"
        words += "." if found is None else \
            f", {left - _hours(found):.1f} hours after the score's alarm."
    top = max(b * 1.2, max((v for _, v in points), default=0) * 1.15)

    def draw(width: int, height: int) -> Canvas:
        canvas = Canvas(width, height, span, (0, top), left=52)
        for low, high, name in ((0, a, "a"), (a, b, "b"), (b, c, "c"), (c, 1e9, "d")):
            if low < top:
                canvas.zone(low, min(high, top), f"zone-{name}")
                canvas.text(width - 16, canvas.y(low) - 5, f"{name.upper()}", "note", "end")
        canvas.hours(*span)
        canvas.ticks([tick for tick in (0, 1, 2, 4, 6, 8, 10, 12, 16) if tick <= top])
        canvas.unit("mm/s")
        canvas.line(points, "value", gap=0.2)
        return canvas

    return figure(draw, "Velocity RMS, 10 to 1000 Hz, in the zones A to D of the machine's "
                  f"class. {words}",
                  [("value", "velocity RMS, x axis")], 230)


def parts(run: Any, result: dict[str, Any], span: Point) -> str:
    """Parts per hour, bad ones, and stops."""
    made = [event for event in run.events if event["kind"] == "part"]
    first, last = int(span[0]), max(int(span[0]) + 1, int(span[1] + 0.999))
    good, bad = [0] * (last - first), [0] * (last - first)
    for event in made:
        hour = min(int(_hours(event["t"])), last - 1) - first
        (good if event["made"] == "good" else bad)[hour] += 1
    top = max(max(good), 1) * 1.2
    stops = [(_hours(s["start"]), _hours(s["end"])) for s in result["alarms"]
             if s["board"] == "line"]

    def draw(width: int, height: int) -> Canvas:
        canvas = Canvas(width, height, (first, last), (0, top), strip=32, left=52)
        canvas.hours(first, last)
        canvas.ticks([tick for tick in (0, 100, 200, 300, 400, 500) if tick <= top])
        canvas.unit("parts per hour")
        for hour in range(first, last):
            g, b = good[hour - first], bad[hour - first]
            canvas.bar(hour, hour + 1, 0, g, "good", f"{hour}:00: {g} good")
            if b:
                x = (canvas.x(hour) + canvas.x(hour + 1)) / 2
                canvas.text(x, canvas.y(g) - 5, str(b) if canvas.narrow else f"{b} bad",
                            "note found-text", "middle")
        canvas.strip(0, stops, "bad", "stops")
        return canvas

    return figure(draw, "Parts per hour; the number over a bar counts its bad parts. Every bad "
                  "part stops the line until the operator takes it away and acknowledges.",
                  [("good", "good parts"), ("bad", "line stopped")], 260)


def data(result: dict[str, Any]) -> str:
    """Raw against sent bytes per board, logarithmic."""
    names = ["motor", "room", "line"]

    def draw(width: int, height: int) -> Canvas:
        canvas = Canvas(width, height, (0, 1), (0, 1), left=52)
        decades = (3, 4, 5, 6, 7)
        inner = width - canvas.left - 110

        def x_of(value: float) -> float:
            return canvas.left + (math.log10(max(value, 100)) - 2) / 5.2 * inner

        for decade in decades:
            x = x_of(10 ** decade)
            canvas.add(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="6" y2="{height - 26}" class="grid"/>')
            words = {3: "1 kB", 4: "10 kB", 5: "100 kB", 6: "1 MB", 7: "10 MB"}[decade]
            canvas.text(x, height - 8, words, "tick", "middle")
        for row, name in enumerate(names):
            size = result["bytes"][name]
            y = 14 + row * 62
            canvas.text(canvas.left - 6, y + 24, name, "", "end")
            for offset, style in ((0, "raw"), (21, "sent")):
                x = x_of(size[style])
                canvas.add(f'<rect x="{canvas.left}" y="{y + offset}" '
                           f'width="{x - canvas.left:.1f}" height="18" class="{style}"/>')
                canvas.text(x + 6, y + offset + 13, f"{size[style]:,}", "note")
        return canvas

    return figure(draw, "Bytes that came from the sensors against bytes sent, logarithmic.",
                  [("raw", "raw, measured"), ("sent", "sent: alarms, summaries, health")], 222)
