# SPDX-License-Identifier: Apache-2.0
"""Numbers, times and tables as people read them."""


def number(value: float, scale: float) -> str:
    """A value with the decimals that its step `scale` can show."""
    digits = 0
    scale = abs(scale)
    while digits < 4 and scale < 0.999:
        scale *= 10
        digits += 1
    return "%%.%df" % digits % value


def span(seconds: int) -> str:
    """1:02:03, or 2 d 1:02:03."""
    days, rest = seconds // 86400, seconds % 86400
    text = "%d:%02d:%02d" % (rest // 3600, rest // 60 % 60, rest % 60)
    return "%d d %s" % (days, text) if days else text


def date(utc_s) -> str:
    """2026-11-22, or "unknown" while the clock is not set. Civil date of a day number, after
    H. Hinnant's days_from_civil (eras of 400 years that begin on 1 March)."""
    if utc_s is None:
        return "unknown"
    days = utc_s // 86400 + 719468
    era, day = days // 146097, days % 146097
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    return "%d-%02d-%02d" % (year + era * 400 + (1 if month > 9 else 0),
                             month - 9 if month > 9 else month + 3,
                             day - (153 * month + 2) // 5 + 1)


def moment(utc_s) -> str:
    """2026-11-22 17:40:12 in UTC, or "unknown"."""
    if utc_s is None:
        return "unknown"
    rest = utc_s % 86400
    return "%s %02d:%02d:%02d" % (date(utc_s), rest // 3600, rest // 60 % 60, rest % 60)


def table(rows: list):
    """Generator: lines of left-aligned columns."""
    widths = [0] * len(rows[0])
    for row in rows:
        for i in range(len(row)):
            widths[i] = max(widths[i], len(row[i]))
    yield None
    for row in rows:
        cells = [row[i] + " " * (widths[i] - len(row[i])) for i in range(len(row))]
        yield "  ".join(cells).rstrip()


def unit(name: str) -> str:
    """A unit as it is shown: °C for degC."""
    return "\xb0C" if name.lower() in ("c", "degc", "\xb0c") else name
