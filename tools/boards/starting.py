# SPDX-License-Identifier: Apache-2.0
"""A configuration for a board that has none yet: a template's safe limits and one sensor."""

import json

from tocsin.config.rescue import factory
from tocsin.config.schema import validate
from tocsin.config.strict import ConfigError
from tools.boards.config import Board
from tools.boards.errors import BoardError

SENSORS = {"cold_chain": "sht31", "vibration": "adxl345"}


def configuration(template: str, sensor: str | None, model: str | None, board: Board) -> bytes:
    """The text of /config.json: pipeline `main`, safe limits. Raises BoardError."""
    driver = sensor or SENSORS.get(template)
    if driver is None:
        raise BoardError(f"--template {template}: say which driver reads it, --sensor DRIVER")
    if template != "cold_chain" and model is None:
        raise BoardError(
            f"--template {template} judges with a model: give --model FILE (tocsin train)"
        )
    try:
        config = factory(template, {"driver": driver}, device_id=board.id)
    except ConfigError as error:
        raise BoardError(f"--template {template}: {error}") from None
    config["device"]["board"] = board.id
    if model is not None:
        config["pipelines"]["main"]["model"] = model
    problems = validate(config)
    if problems:
        raise BoardError(f"--template {template}: {problems[0]}")
    return (json.dumps(config, indent=1) + "\n").encode()
