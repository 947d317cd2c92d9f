# SPDX-License-Identifier: Apache-2.0
"""A configuration for a board that has none yet: a sensor on the board's own pins, a buzzer.

With a model it has the template's safe limit on the score. Without one it watches what the sensor
itself says: a cold room has safe limits for its temperature; what is right for other machines
nobody can know, so there it is watched that the sensor answers, until somebody sets a limit.
"""

import json
from dataclasses import dataclass

from tocsin.config.rescue import factory
from tocsin.config.schema import validate
from tocsin.config.strict import ConfigError
from tools.boards.config import Board
from tools.boards.errors import BoardError

SENSORS = {
    "cold_chain": "sht31", "vibration": "adxl345", "quality": "adc", "operations": "bme280"
}  # fmt: skip
_RATE_HZ = 500
_INTERVAL_S = 10


@dataclass(frozen=True)
class Wiring:
    """A driver: the channel that stands for it, and where it is connected on a board."""

    channel: str
    to: str
    rate_hz: int | None = None


# rates that leave a board time to look at every sample, as it does without a model
_DRIVERS = {
    "adxl345": Wiring("z", "i2c", 400),
    "lis3dh": Wiring("z", "i2c", 400),
    "mpu6050": Wiring("z", "i2c", 500),
    "lsm6dsox": Wiring("z", "spi", 417),
    "sht31": Wiring("temperature", "i2c"),
    "sht4x": Wiring("temperature", "i2c"),
    "bme280": Wiring("temperature", "i2c"),
    "max31865": Wiring("temperature", "spi"),
    "ds18b20": Wiring("temperature", "pin"),
    "contact": Wiring("door", "pin"),
    "counter": Wiring("pulses", "pin"),
    "adc": Wiring("input1", "adc"),
    "adc_dma": Wiring("input1", "adc", 1000),
}


def free_pin(board: Board, *used: int) -> int:
    """A pin on no bus and not `used`, analogue if all others are taken. Raises BoardError."""
    data = board.data
    taken = {data[bus][pin] for bus in ("i2c", "spi") for pin in data[bus] if pin != "id"}
    taken |= {*data["input_only"], data["led"], *used}
    free = [pin for pin in data["gpio"] if pin not in taken]
    if not free:
        raise BoardError(f"{board.name} has no free pin; write a configuration, --config")
    return max((pin for pin in free if pin not in data["adc"]), default=max(free))


def sensor(driver: str, template: str, modelled: bool, board: Board) -> dict:
    """The settings of a driver on a board's own pins. Raises BoardError.

    modelled: with a model the driver has its own rate.
    """
    wiring = _DRIVERS.get(driver)
    if wiring is None:
        raise BoardError(
            f"--sensor {driver}: none of {', '.join(_DRIVERS)}; write a configuration, --config"
        )
    if driver == "adc_dma" and board.port != "rp2":
        raise BoardError(f"--sensor adc_dma is for RP2040 and RP2350; {board.name}: adc")
    settings: dict = {"driver": driver}
    if wiring.to == "spi":
        settings["spi"] = {}
    elif wiring.to == "pin":
        settings["pin"] = free_pin(board)
    elif wiring.to == "adc":
        settings["pins"] = board.data["adc"][:1]
    if driver == "adc" and template in ("vibration", "quality"):
        settings["rate_hz"] = _RATE_HZ
    elif wiring.rate_hz is None:
        settings["interval_s"] = _INTERVAL_S
    elif not modelled:
        settings["rate_hz"] = wiring.rate_hz
    return settings


def configuration(template: str, driver: str | None, model: str | None, board: Board) -> bytes:
    """The text of /config.json, with one pipeline, `main`. Raises BoardError."""
    driver = driver or SENSORS.get(template)
    try:
        config = factory(template, {"driver": driver or "none"}, device_id=board.id)
    except ConfigError as error:
        raise BoardError(f"--template {template}: {error}") from None
    assert driver is not None  # factory knows the same templates
    pipeline = config["pipelines"]["main"]
    pipeline["sensor"] = sensor(driver, template, model is not None, board)
    config["device"]["board"] = board.id
    channel = _DRIVERS[driver].channel
    if model is not None:
        pipeline["model"] = model
    elif template == "cold_chain":
        if channel != "temperature":
            raise BoardError(f"--template cold_chain wants a thermometer, not --sensor {driver}")
    else:
        watch = {"source": f"main.{channel}", "side": "high", "limit": None, "latch": False}
        config["alarms"] = {f"{channel}_high": watch}
    used = [settings["pin"]] if "pin" in (settings := pipeline["sensor"]) else []
    pin = free_pin(board, *used)
    buzzer = {"driver": "buzzer", "pin": pin, "alarms": sorted(config["alarms"])}
    config["outputs"] = {"buzzer": buzzer}
    problems = validate(config)
    if problems:
        raise BoardError(f"--template {template}: {problems[0]}")
    return (json.dumps(config, indent=1) + "\n").encode()


def next_steps(config: bytes, port: str, board: Board) -> list[str]:
    """What to do after the first deployment of such a configuration; lines for people."""
    value = json.loads(config)
    settings = value["pipelines"]["main"]["sensor"]
    alarm = min(value["alarms"])
    rule = value["alarms"][alarm]
    steps = [
        f"connect the {settings['driver']}: {_wires(settings, board)}; "
        f"a buzzer: pin {value['outputs']['buzzer']['pin']}, GND",
        f"look at it: tocsin console {port}, there sensors, alarms, help",
    ]
    if value["pipelines"]["main"]["model"] is not None:
        steps.append(f"commission it in the console: learn 200 sets {alarm}.limit")
    elif rule["limit"] is None:
        steps.append(f"set a limit in the console: set alarms.{alarm}.limit VALUE")
        steps.append("or teach it what is normal: tocsin train, then deploy with --model")
    else:
        steps.append(f"fit the limits in the console: set alarms.{alarm}.limit {rule['limit']}")
    return steps


def _wires(settings: dict, board: Board) -> str:
    """Which pins a sensor of `sensor` is connected to."""
    if "pin" in settings:
        return f"pin {settings['pin']}"
    if "pins" in settings:
        return f"analogue pin {settings['pins'][0]}, 0 to 3.3 V"
    bus = "spi" if "spi" in settings else "i2c"
    pins = [f"{name.upper()} {pin}" for name, pin in board.data[bus].items() if name != "id"]
    return f"{bus.upper()} pins {', '.join(pins)}, 3.3 V, GND"
