# SPDX-License-Identifier: Apache-2.0
"""Virtual `time` for tests on MicroPython: moved by sleeps and by the asyncio stand-in's waits."""

_PERIOD = 1 << 30
_EPOCH_S = 1767225600  # 2026-01-01T00:00:00Z

now_us = 0


def advance_us(us):
    """Move the virtual clock forward."""
    global now_us
    now_us += us


def ticks_ms():
    return now_us // 1000 % _PERIOD


def ticks_us():
    return now_us % _PERIOD


ticks_cpu = ticks_us


def ticks_add(ticks, delta):
    return (ticks + delta) % _PERIOD


def ticks_diff(end, start):
    return ((end - start + _PERIOD // 2) & (_PERIOD - 1)) - _PERIOD // 2


def sleep_us(us):
    advance_us(us)


def sleep_ms(ms):
    advance_us(ms * 1000)


def sleep(seconds):
    advance_us(int(seconds * 1000000))


def time():
    return _EPOCH_S + now_us // 1000000


def time_ns():
    return _EPOCH_S * 1000000000 + now_us * 1000


def _date(days):
    """Year, month, day of a day number since 1970-01-01 (proleptic Gregorian calendar)."""
    year = 1970
    while True:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        if days < 365 + leap:
            break
        days -= 365 + leap
        year += 1
    day_of_year = days
    for month, length in enumerate((31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)):
        if days < length:
            break
        days -= length
    return year, month + 1, days + 1, day_of_year + 1


def gmtime(seconds=None):
    seconds = int(time() if seconds is None else seconds)
    days, rest = divmod(seconds, 86400)
    year, month, day, day_of_year = _date(days)
    weekday = (days + 3) % 7
    return year, month, day, rest // 3600, rest // 60 % 60, rest % 60, weekday, day_of_year


localtime = gmtime
