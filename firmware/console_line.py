# SPDX-License-Identifier: Apache-2.0
"""One line typed on a terminal or pasted into it, byte by byte."""

LIMIT = 256

_BELL = b"\x07"
_RUB_OUT = b"\b \b"


class Line:
    """Collects bytes into lines and says what to echo.

    text: bytes typed so far. echo: bytes to send back; the caller empties it. Lines that begin
    with # are a script's and not echoed. Escape sequences, NUL and other controls are left out.
    """

    def __init__(self):
        self.text = bytearray()
        self.echo = bytearray()
        self._excess = False
        self._after_cr = False
        self._escape = 0

    def take(self, code: int):
        """Take one byte; returns the finished line (str), or None. Raises ValueError for a line
        that is too long or not UTF-8, once, at its end."""
        after_cr, self._after_cr = self._after_cr, False
        if self._escape:
            self._in_escape(code)
        elif code == 10 and after_cr:
            pass
        elif code in (10, 13):
            self._after_cr = code == 13
            return self._end()
        elif code in (8, 127):
            self._rub_out()
        elif code == 21:
            while self.text:
                self._rub_out()
        elif code == 27:
            self._escape = 1
        elif code >= 32 or code == 9:
            self._add(32 if code == 9 else code)
        return None

    def _add(self, code: int) -> None:
        if len(self.text) >= LIMIT:
            if not self._excess and self.text[0] != 35:
                self.echo.extend(_BELL)
            self._excess = True
            return
        self.text.append(code)
        if self.text[0] != 35:
            self.echo.append(code)

    def _rub_out(self) -> None:
        if not self.text:
            return
        shown = self.text[0] != 35
        code = self.text[-1]
        self.text = self.text[:-1]
        while 128 <= code < 192 and self.text:   # the rest of a character of several bytes
            code = self.text[-1]
            self.text = self.text[:-1]
        if shown:
            self.echo.extend(_RUB_OUT)

    def _in_escape(self, code: int) -> None:
        """ESC, then [ up to a letter, O and one more, or one byte."""
        if self._escape == 1 and code in (91, 79):
            self._escape = 2 if code == 91 else 3
        elif self._escape != 2 or 64 <= code < 127:
            self._escape = 0

    def _end(self) -> str:
        text, excess = bytes(self.text), self._excess
        self.text = bytearray()
        self._excess = False
        if text[:1] != b"#":
            self.echo.extend(b"\r\n")
        if excess:
            raise ValueError("a line has at most %d bytes; nothing of it was done" % LIMIT)
        try:
            return text.decode()
        except UnicodeError:
            raise ValueError("not UTF-8; nothing was done, type the line again")
