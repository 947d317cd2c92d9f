# SPDX-License-Identifier: Apache-2.0
"""Commissioning: what is normal for this machine is learnt in place, once, and then frozen.

Scores of N windows are collected while the machine runs (the run gate is open). Limits of the
alarms on the score become the chosen percentile of them plus a tenth, and never less than 1.0, the
edge of the training; the mean of what `vibration` watches becomes the baseline of its drift. Both
are saved in the configuration. Alarms go on meanwhile. A reset begins it anew: nothing half
learnt is kept.
"""

from array import array

from firmware.log import ERROR, INFO
from firmware.saved import ChangeError

_MOST = 2000
_FEWEST = 20
_PERCENT = 99.0
_MARGIN = 1.1


class Learner:
    """Watches one pipeline's scores. Attributes: count (wanted), seen."""

    def __init__(self, app, pipeline, count: int, percent: float, who: str):
        self.count = count
        self.seen = 0
        self.pipeline = pipeline
        self._app = app
        self._percent = percent
        self._who = who
        self._scores = array("h", [0] * count)
        self._score_at = pipeline.values.index("score")
        section = app.config["pipelines"][pipeline.name]["vibration"]
        self._level_at = -1 if section is None else pipeline.values.index(section["value"])
        self._level_sum = 0
        self._before = pipeline.judged
        pipeline.judged = self

    def __call__(self, pipeline) -> None:
        """A window was judged while the machine ran. Allocates nothing until the last one."""
        if self._before is not None:
            self._before(pipeline)
        raw = pipeline.values.raw
        if self.seen < self.count:
            self._scores[self.seen] = raw[self._score_at]
            if self._level_at >= 0:
                self._level_sum += raw[self._level_at]
            self.seen += 1
            if self.seen == self.count:
                self.stop()
                self._app.clock.spawn(self._finish())

    def stop(self) -> None:
        """Watch no longer."""
        self.pipeline.judged = self._before

    def progress(self) -> str:
        """How far it is, for people."""
        still = "" if self.pipeline.running else ", waiting for the machine to run"
        return "learning: %d of %d windows%s" % (self.seen, self.count, still)

    async def _finish(self) -> None:
        app = self._app
        try:
            for _ in self._save():
                await app.clock.sleep_ms(0)
        except (ValueError, OSError) as error:
            app.log.add(ERROR, "learn: not saved: %s" % error)

    def _save(self):
        """Generator: new limits and baseline, checked, logged, saved, in force."""
        from firmware.changes import claim, later, open_audit, save
        from firmware.saved import load

        app, audit = self._app, open_audit(self._app)
        yield from claim(audit)
        try:
            raw = load(app.store)
            yield None
            change, live = self._change(raw)
            yield from _refuse_invalid(raw, self.pipeline.name)
            yield from save(app, audit, change, raw)
            self._adopt(live)
        finally:
            audit.busy = False
        app.log.add(INFO, "learn: %d windows of %s, limit of its score %s -> %s x normal" % (
            self.count, self.pipeline.name, change[3], change[4]))
        yield None
        yield from later(app, audit, change, raw)

    def _change(self, raw: dict) -> tuple:
        """Put limits and baseline into `raw`; (what `save` wants to know, what `_adopt` wants)."""
        from tocsin.monitor.retune import prepare

        app, name = self._app, self.pipeline.name
        limit = limit_of(self._scores, self._percent)
        live, before = [], None
        for key in _alarms(raw, name):
            saved = raw["alarms"][key]
            before = saved["limit"]
            if saved.get("warning") is not None:
                saved["warning"] = round(saved["warning"] * limit / before, 2)
            saved["limit"] = limit
            if key in app.alarms and key in app.config["alarms"]:
                rule = dict(app.config["alarms"][key])
                rule["limit"], rule["warning"] = limit, saved.get("warning")
                live.append((app.alarms[key], prepare(app.alarms[key], rule), rule))
        section, level = raw["pipelines"][name].get("vibration"), self._level()
        if section is not None and level:
            values, at = self.pipeline.values, self._level_at
            section["baseline"] = round(level * values.scales[at] + values.offsets[at], 4)
        return (self._who, "learn", "pipelines.%s.score" % name, before, limit), live

    def _level(self) -> int:
        """The mean of what `vibration` watches, 0 without one."""
        return max(0, self._level_sum // self.count) if self._level_at >= 0 else 0

    def _adopt(self, live: list) -> None:
        from tocsin.monitor.retune import adopt

        for alarm, fresh, rule in live:
            adopt(alarm, fresh)
            self._app.config["alarms"][alarm.name] = rule
        if self._level():
            self.pipeline.machine.drift.restore(self._level(), 256)


def limit_of(scores, percent: float) -> float:
    """The percentile (nearest rank) of Q8 scores with its margin, in edges of normal."""
    ordered = sorted(scores)
    rank = int(percent * len(ordered) / 100 + 0.9999)
    return max(1.0, round(ordered[max(rank, 1) - 1] / 256 * _MARGIN, 2))


def _alarms(config: dict, name: str) -> list:
    """Names of the alarms above a limit of the pipeline's score."""
    return [key for key in sorted(config["alarms"])
            if config["alarms"][key]["source"] == name + ".score"
            and config["alarms"][key]["side"] == "high"
            and config["alarms"][key]["limit"]]


def _refuse_invalid(raw: dict, name: str):
    """Generator: check what learning changes in a valid configuration, and no more: all of it at
    once takes longer than a FIFO holds. Raises ChangeError."""
    from tocsin.config.rules import check_around
    from tocsin.config.schema import SCHEMA, check, inner

    for section, key in [("alarms", key) for key in _alarms(raw, name)] + [("pipelines", name)]:
        yield None
        problems = []
        spec = inner(inner(SCHEMA[1][section][0])[1])
        check(spec, raw[section][key], section + "." + key, problems)
        if not problems:
            check_around(raw, [section, key], problems)
        if problems:
            raise ChangeError(problems[0])
    yield None


def _learner(pipeline):
    return pipeline.judged if isinstance(pipeline.judged, Learner) else None


def do_learn(desk, words, rest):
    """Commissioning: start, progress, stop."""
    if not words:
        yield from progress(desk.app)
    elif words[0] == "stop":
        yield from stop(desk.app)
    else:
        yield from begin(desk.app, desk.who, words)


def begin(app, who: str, words: list):
    """Generator: N [PIPELINE [PERCENT]]. Raises ChangeError."""
    if not words[0].isdigit() or not _FEWEST <= int(words[0]) <= _MOST:
        raise ChangeError("learn %s: write %d .. %d windows" % (words[0], _FEWEST, _MOST))
    able = [name for name in sorted(app.pipelines) if app.pipelines[name].model is not None]
    chosen = words[1:2] or able
    if len(chosen) != 1 or chosen[0] not in able:
        raise ChangeError("learn %s PIPELINE: those with a model are: %s" % (
            words[0], ", ".join(able) or "none"))
    percent = _PERCENT
    if len(words) > 2:
        from tocsin.config.numbers import typed_number

        percent = typed_number(words[2], "%", "learn")
        if not 50 <= percent <= 100:
            raise ChangeError("a percentile of 50 .. 100 %, such as 99")
    name = chosen[0]
    yield None
    if not _alarms(app.config, name):
        raise ChangeError("no alarm watches %s.score from above; add one first" % name)
    if _learner(app.pipelines[name]) is not None:
        raise ChangeError("already learning; learn stop ends it")
    learner = Learner(app, app.pipelines[name], int(words[0]), percent, who)
    yield "%s: %s; percentile %s of the scores becomes the limit, then it is frozen" % (
        name, learner.progress(), percent)


def progress(app):
    """Generator: a line per pipeline that learns."""
    found = [_learner(app.pipelines[name]) for name in sorted(app.pipelines)]
    found = [learner for learner in found if learner is not None]
    for learner in found:
        yield "%s: %s" % (learner.pipeline.name, learner.progress())
    if not found:
        yield "not learning; learn WINDOWS starts it, such as learn 200"


def stop(app):
    """Generator: give up, nothing changes."""
    for name in sorted(app.pipelines):
        learner = _learner(app.pipelines[name])
        if learner is not None:
            learner.stop()
            yield "%s: stopped after %d windows; nothing changed" % (name, learner.seen)
            return
    yield "not learning"
