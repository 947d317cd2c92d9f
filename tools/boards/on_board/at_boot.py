# SPDX-License-Identifier: Apache-2.0
"""Appended to finish.py where it stands in for boot.py: finish, then run the real one."""

try:
    if finish(lambda path: None):  # noqa: F821
        with open("/boot.py") as file:
            text = file.read()
        exec(text)
except (OSError, ValueError) as error:
    print("deployment not finished:", error)
