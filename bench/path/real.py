# SPDX-License-Identifier: MIT
"""Real time (to come)."""


def in_real_time(_out, _args, _algorithms):
    return {}
