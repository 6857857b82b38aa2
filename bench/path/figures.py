# SPDX-License-Identifier: MIT
"""What is made of figures: medians, paired ratios and how sure they are. No library but Python's own."""
import math
import random
import statistics

# Two-sided 95 % points of Student's t, by degrees of freedom; beyond them the normal's.
_T95 = [math.inf, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
        2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042]

TINY = 1.0  # bits a second: a run that brought nothing counts as next to nothing, so that it has a logarithm


def jain(shares):
    """Jain's index: 1 when all are alike, 1/n when one has everything."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares > 0 else 1.0


def paired_ratio(ours, theirs):
    """
    The ratio of two series that were measured in pairs (the same seed): (ratio, low, high), the geometric
    mean and its 95 % confidence interval, by Student's t on the logarithms. With one pair the interval is
    everything.
    """
    logs = [math.log(max(a, TINY) / max(b, TINY)) for a, b in zip(ours, theirs, strict=True)]
    if not logs:
        raise ValueError("no pairs")
    mean = statistics.fmean(logs)
    if len(logs) == 1:
        return math.exp(mean), 0.0, math.inf
    freedom = len(logs) - 1
    t = _T95[freedom] if freedom < len(_T95) else 1.960
    half = t * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def bootstrap_median(values, rounds=2000, seed=1):
    """The median of values and its 95 % interval, by drawing as many of them again and again."""
    if not values:
        raise ValueError("no values")
    dice = random.Random(seed)
    medians = sorted(statistics.median(dice.choices(values, k=len(values))) for _ in range(rounds))
    return statistics.median(values), medians[int(0.025 * rounds)], medians[int(0.975 * rounds) - 1]


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(max(value, 1e-12)) for value in values))
