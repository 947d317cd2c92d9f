# SPDX-License-Identifier: Apache-2.0
"""What goes on in an app, read from outside: for the live table, the report and tests."""

from typing import Any


def status(app: Any) -> dict[str, Any]:
    """State, values, alarms and counters of every pipeline of a running `firmware.app.App`."""
    result: dict[str, Any] = {"health": app.health.report(), "problems": app.problems,
                              "tripped": app.outputs.tripped(), "pipelines": {}}
    for name, pipeline in app.pipelines.items():
        values, sampler = pipeline.values, app.samplers[name]
        result["pipelines"][name] = {
            "state": app.state(pipeline), "running": pipeline.running,
            "windows": pipeline.windows,
            "values": {value: values.physical(i) for i, value in enumerate(values.names)},
            "alarms": [alarm.name for alarm in pipeline.alarms if alarm.state],
            "bytes": pipeline.account.report(), "late": sampler.late, "failed": sampler.failed,
            "silent": sampler.silent, "dropped": sampler.dropped()}
    return result
