# SPDX-License-Identifier: MIT
"""The cells of the goodput grid: which there are, and how some of them are chosen."""
import itertools
import re

LOSS = ["0%", "0.1%", "1%", "3%", "10%", "1%/5"]  # the last: 1 % in bursts of five
RTT = ["0.2ms", "20ms", "66ms", "200ms"]
RATE = ["10mbit", "100mbit", "1gbit"]
QUEUE = ["0.5", "1", "4"]
REORDER = ["0%", "1%", "5%"]
NAMES = ["cc", "loss", "rtt", "rate", "queue", "reorder", "flows"]
UNITS = {"": 1, "%": 1, "us": 1e-6, "ms": 1e-3, "s": 1, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9}

# The quick subset: 60 cells an algorithm.
QUICK = "loss=0%,1%,10%,1%/5 rtt=0.2ms,66ms rate=10mbit,100mbit queue=0.5,1,4 reorder=0%"
QUICK_REORDERED = "loss=0%,1% rtt=20ms,66ms rate=10mbit,100mbit queue=1 reorder=1%,5%"
# Two flows on one path: what loss leaves of the window is noise beyond 1 %.
SHARED = "loss=0%,0.1%,1% reorder=0%"
QUICK_SHARED = SHARED + " rtt=20ms,66ms rate=10mbit,100mbit queue=1,4"


class BadCell(ValueError):
    """A cell or an expression that cannot be read; its text says why."""


def cell(**values):
    """A cell as a dictionary; what is not named is an ordinary path."""
    chosen = {"cc": "newreno", "loss": "0%", "rtt": "20ms", "rate": "100mbit", "queue": "1", "reorder": "0%",
              "flows": "1"}
    for name, value in values.items():
        if name not in chosen:
            raise BadCell(f"a cell has no {name!r}, only {', '.join(NAMES)}")
        chosen[name] = str(value)
    return chosen


def key(one):
    """The text that names a cell, and that the programs in C read."""
    return " ".join(f"{name}={one[name]}" for name in NAMES)


def parse(text):
    words = [word.partition("=") for word in text.split()]
    return cell(**{name: value for name, _, value in words if name in NAMES})


def number(text):
    """The value of "66ms" in seconds, of "10mbit" in bits a second, of "1%" or "1%/5" in percent."""
    match = re.fullmatch(r"([0-9.]+)([a-z%]*)(/[0-9]+)?", text)
    try:
        return float(match.group(1)) * UNITS[match.group(2)]
    except (AttributeError, KeyError, ValueError):
        raise BadCell(f"{text!r} is no value of a cell") from None


def is_random(one):
    """Whether another seed gives another figure."""
    return number(one["loss"]) > 0 or number(one["reorder"]) > 0


def whole(algorithms):
    """All cells of one flow."""
    return [cell(cc=cc, loss=loss, rtt=rtt, rate=rate, queue=queue, reorder=reorder)
            for cc, loss, rtt, rate, queue, reorder in itertools.product(algorithms, LOSS, RTT, RATE, QUEUE, REORDER)]


def shared(algorithms, quick):
    """The cells of two flows."""
    return [{**one, "flows": "2"} for one in select(whole(algorithms), QUICK_SHARED if quick else SHARED)]


def quick(algorithms):
    cells = whole(algorithms)
    return select(cells, QUICK) + select(cells, QUICK_REORDERED)


def _condition(word):
    match = re.fullmatch(r"([a-z]+)(<=|>=|<|>|=)(.+)", word)
    if not match or match.group(1) not in NAMES:
        raise BadCell(f"{word!r} chooses no cells; write, for example, loss=1%,10%/5 rtt>=66ms cc=cubic")
    name, sign, values = match.groups()
    if sign == "=":
        chosen = values.split(",")
        if name != "cc":
            for value in chosen:
                number(value)
        # "1%/5" and "1%" are different losses of the same number.
        return lambda one: one[name] in chosen or (name not in ("cc", "loss") and
                                                   number(one[name]) in map(number, chosen))
    if name == "cc":
        raise BadCell("algorithms are not ordered: write cc=cubic,bbr")
    limit = number(values)
    compare = {"<": float.__lt__, ">": float.__gt__, "<=": float.__le__, ">=": float.__ge__}[sign]
    return lambda one: compare(number(one[name]), limit)


def select(cells, expression):
    """Those cells that fulfil every word of the expression."""
    conditions = [_condition(word) for word in expression.split()]
    return [one for one in cells if all(condition(one) for condition in conditions)]


# What is measured in real time, where a second costs a second. Chosen so that each axis is walked along
# while the others stay put, about a path that is common (66 ms, 100 Mbit/s, a queue of 1), and so that
# corners are there. 1 Gbit/s only where the emulator carries it. Each row: algorithm, loss, rtt, rate, queue,
# reorder, flows.
_REAL = """
cubic    0%    0.2ms 100mbit 1   0% 1
cubic    0%    20ms  10mbit  1   0% 1
cubic    0%    20ms  100mbit 0.5 0% 1
cubic    0%    20ms  100mbit 1   0% 1
cubic    0%    20ms  100mbit 4   0% 1
cubic    0%    66ms  100mbit 1   0% 1
cubic    0%    200ms 100mbit 1   0% 1
cubic    0%    66ms  10mbit  0.5 0% 1
cubic    0%    200ms 10mbit  4   0% 1
cubic    0.1%  20ms  100mbit 1   0% 1
cubic    0.1%  66ms  100mbit 1   0% 1
cubic    0.1%  200ms 100mbit 1   0% 1
cubic    1%    0.2ms 100mbit 1   0% 1
cubic    1%    20ms  100mbit 1   0% 1
cubic    1%    66ms  10mbit  1   0% 1
cubic    1%    66ms  100mbit 1   0% 1
cubic    3%    20ms  10mbit  1   0% 1
cubic    3%    66ms  100mbit 1   0% 1
cubic    10%   20ms  10mbit  1   0% 1
cubic    10%   66ms  100mbit 1   0% 1
cubic    1%/5  20ms  100mbit 1   0% 1
cubic    1%/5  66ms  100mbit 1   0% 1
cubic    0%    20ms  100mbit 1   1% 1
cubic    0%    66ms  100mbit 1   5% 1
cubic    1%    66ms  100mbit 1   1% 1
cubic    0%    20ms  1gbit   1   0% 1
cubic    0.1%  0.2ms 1gbit   4   0% 1
cubic    0%    20ms  100mbit 1   0% 2
newreno  0%    20ms  100mbit 1   0% 1
newreno  0%    66ms  10mbit  1   0% 1
newreno  0.1%  66ms  100mbit 1   0% 1
newreno  1%    20ms  100mbit 1   0% 1
newreno  1%    66ms  100mbit 1   0% 1
newreno  3%    66ms  100mbit 1   0% 1
newreno  10%   20ms  100mbit 1   0% 1
newreno  1%/5  66ms  100mbit 1   0% 1
newreno  0%    66ms  100mbit 1   1% 1
newreno  0%    20ms  100mbit 1   0% 2
bbr      0%    66ms  100mbit 1   0% 1
bbr      1%    66ms  100mbit 1   0% 1
bbr      3%    66ms  100mbit 1   0% 1
bbr      1%/5  20ms  100mbit 0.5 0% 1
"""


def real():
    """The cells that are measured in real time."""
    return [dict(zip(("cc", "loss", "rtt", "rate", "queue", "reorder", "flows"), line.split()))
            for line in _REAL.strip().splitlines()]
