# SPDX-License-Identifier: Apache-2.0
"""A virtual day of one site on three emulated boards, and a report about it."""
