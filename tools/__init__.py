# SPDX-License-Identifier: Apache-2.0
"""Host-only tools (CPython): train, evaluate, pack, emulate, measure."""
