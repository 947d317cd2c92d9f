# SPDX-License-Identifier: Apache-2.0
"""Hostile configurations: nothing gets out but ConfigError, nothing invalid gets in."""

import json
import math

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tocsin.config import edit
from tocsin.config.defaults import choose, complete, copy
from tocsin.config.edit import get_value, set_value
from tocsin.config.redaction import MASK, redact, redact_text
from tocsin.config.rescue import factory, rescue
from tocsin.config.schema import SCHEMA, inner, validate
from tocsin.config.strict import ConfigError, loads
from tocsin.monitor.alarm import Alarm

SENSOR = {"driver": "sim", "period_ms": 1000}
SHORT = {
    "version": 1, "device": {"id": "d"},
    "pipelines": {"p": {"sensor": SENSOR, "cold_chain": {
        "temperature": "t", "door": {}, "defrost": {"start": -15, "end": -17}}},
        "q": {"sensor": SENSOR, "vibration": {}, "run_gate": {"source": "r", "on": 1, "off": 0}}},
    "alarms": {"hi": {"source": "p.t", "side": "high", "limit": 8, "warning": 7},
               "lo": {"source": "p.t", "side": "low", "limit": 2}},
    "outputs": {"o": {"driver": "relay", "pin": 1, "alarms": ["hi"]}}}
BASE = complete(SHORT)


def words():
    found = set()

    def walk(spec):
        spec = inner(spec)
        if spec[0] == "object":
            for key, field in spec[1].items():
                found.add(key)
                walk(field[0])
        elif spec[0] in ("map", "list"):
            walk(spec[1])
        elif spec[0] == "choice":
            found.update(spec[1:])

    walk(SCHEMA)
    return sorted(found)


texts = st.one_of(st.sampled_from(words()), st.sampled_from(["p", "q", "hi", "lo", "p.t"]),
                  st.text(max_size=20))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
values = st.recursive(scalars, lambda inner_values: st.one_of(
    st.lists(inner_values, max_size=4), st.dictionaries(texts, inner_values, max_size=6)),
    max_leaves=20)


def leaves(value, path=()):
    if isinstance(value, dict):
        for key in value:
            yield path + (key,)
            yield from leaves(value[key], path + (key,))


PATHS = sorted(leaves(BASE))


def lines_are_fit(problems):
    for line in problems:
        assert "\n" not in line and line.isprintable() and len(line) < 250


@settings(max_examples=250)
@given(values)
def test_validate_survives_any_value(value):
    lines_are_fit(validate(value))


@settings(max_examples=250)
@given(st.sampled_from(PATHS), values)
def test_any_value_anywhere_is_refused_or_builds(path, value):
    config = copy(BASE)
    holder = config
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    problems = validate(config)
    lines_are_fit(problems)
    if problems:
        config = rescue(config)
        if config is None:
            return
        assert validate(config) == [] and config["alarms"]
    for name, rule in complete(config)["alarms"].items():
        limit = rule["limit"]
        assert limit is None or math.isfinite(limit)
        if limit is None or abs(limit) < 1e6 and rule["dead_band"] < 1e6:
            Alarm(name, rule, 0.01)


@settings(max_examples=250)
@given(st.text(max_size=200))
@example('{"a":' * 5000)
@example("1e999")
def test_loads_accepts_only_what_json_does_and_gives_the_same(text):
    try:
        value = loads(text)
    except ConfigError as error:
        lines_are_fit(error.problems)
        return
    assert value == json.loads(text)


@settings(max_examples=200)
@given(st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-10 ** 20, 10 ** 20),
              st.floats(-1e29, 1e29), st.text(st.characters(exclude_characters="\x00"))),
    lambda more: st.one_of(st.lists(more, max_size=4), st.dictionaries(
        st.text(st.characters(exclude_characters="\x00")), more, max_size=4)), max_leaves=8),
    st.booleans())
def test_loads_reads_what_json_writes(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    try:
        assert loads(text) == value
    except ConfigError as error:
        assert any(why in error.problems[0] for why in ("deep", "long", "not allowed"))


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_loads_survives_any_bytes(data):
    try:
        loads(data)
    except ConfigError as error:
        lines_are_fit(error.problems)


@settings(max_examples=200)
@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_flipped_byte_never_leaves_the_device_without_alarms(position, byte):
    data = bytearray(json.dumps(BASE).encode())
    data[position % len(data)] = byte
    config, _, problems = choose([bytes(data)], lambda: factory("cold_chain", SENSOR))
    assert validate(config) == [] and config["alarms"]
    lines_are_fit(problems)


@settings(max_examples=250)
@given(st.one_of(st.sampled_from([".".join(path) for path in PATHS]), st.text(max_size=30)),
       st.one_of(st.text(max_size=20), values.map(lambda value: json.dumps(value))))
def test_set_leaves_the_configuration_valid_or_untouched(path, text):
    config = copy(BASE)
    try:
        set_value(config, path, text)
    except ConfigError as error:
        lines_are_fit(error.problems)
        assert config == BASE
    else:
        assert validate(config) == []
        get_value(config, path)


@settings(max_examples=250)
@given(st.sampled_from([".".join(path) for path in PATHS]),
       st.one_of(st.text(max_size=20), values.map(lambda value: json.dumps(value)),
                 st.sampled_from(["1", "2", "7.5", "9", "none", "true", "relay", "q.r"])))
def test_set_means_the_same_whether_defaults_are_written_out_or_not(path, text):
    long, short, answers = copy(BASE), copy(SHORT), []
    for config in (long, short):
        try:
            answers.append(set_value(config, path, text))
        except ConfigError as error:
            answers.append(error.problems)
    assert answers[0] == answers[1]
    assert complete(short) == complete(long)
    if isinstance(answers[0], list):
        assert short == SHORT


@given(st.sampled_from([".".join(path) for path in PATHS if len(path) > 1]),
       st.one_of(values, st.sampled_from([0, 1, 2, 7.5, 9, None, True, "relay", "q.r", [], {}])))
def test_checking_what_a_change_touches_finds_what_the_whole_check_finds(path, value):
    config, whole = copy(BASE), copy(BASE)
    place, holder = edit._Place(config, path), whole
    *above, key = path.split(".")
    for part in above:
        holder = holder[part]
    holder[key] = value
    wrong = validate(whole)
    try:
        edit.change(config, place, path, value)
    except ConfigError as error:
        assert wrong and set(error.problems) <= set(wrong)
    else:
        assert wrong == []


@settings(max_examples=200)
@given(st.sampled_from(["password", "psk", "api_key", "token"]),
       st.text(min_size=6, max_size=20).filter(lambda secret: MASK not in secret),
       values)
def test_planted_secrets_are_never_shown(key, secret, rest):
    config = {"rest": rest, "net": [{key: secret}]}
    if secret not in json.dumps(rest, ensure_ascii=False):
        assert secret not in json.dumps(redact(config)["net"], ensure_ascii=False)
    shown = redact_text("start " + secret + json.dumps(secret)[1:-1] + " end", config)
    assert secret not in shown
