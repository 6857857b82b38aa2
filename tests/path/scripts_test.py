#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What bench/path/run is made of: cells and how they are chosen, ratios and how sure they are."""
import contextlib
import io
import math
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "path"))

import figures  # noqa: E402
import grid     # noqa: E402
import report   # noqa: E402


class Cells(unittest.TestCase):
    def test_the_grid_is_whole(self):
        cells = grid.whole(["newreno", "cubic"])
        self.assertEqual(len(cells), 2 * 6 * 4 * 3 * 3 * 3)
        self.assertEqual(len({grid.key(one) for one in cells}), len(cells))

    def test_a_key_reads_back(self):
        for one in grid.whole(["cubic"])[::7] + grid.real():
            self.assertEqual(grid.parse(grid.key(one) + " seed=3 time=2s"), one)

    def test_numbers(self):
        for text, value in (("0.2ms", 0.0002), ("66ms", 0.066), ("1gbit", 1e9), ("0.1%", 0.1), ("1%/5", 1), ("4", 4)):
            self.assertAlmostEqual(grid.number(text), value)
        for text in ("", "ms", "1.2.3ms", "5 %", "1x"):
            with self.assertRaises(grid.BadCell):
                grid.number(text)

    def test_expressions(self):
        cells = grid.whole(["newreno", "cubic"])

        def count(expression):
            return len(grid.select(cells, expression))
        self.assertEqual(count(""), len(cells))
        self.assertEqual(count("cc=cubic"), len(cells) // 2)
        self.assertEqual(count("loss=1%"), len(cells) // 6)      # bursts are another loss
        self.assertEqual(count("loss=1%,1%/5 rtt>=66ms"), len(cells) // 6)
        self.assertEqual(count("rtt<66ms rtt>0.2ms"), len(cells) // 4)
        self.assertEqual(count("rate=1000mbit"), len(cells) // 3)
        self.assertEqual(count("loss=1% loss=3%"), 0)
        for wrong in ("loss", "speed=3", "cc>cubic", "rtt=slow", "rtt>=", "loss==1%"):
            with self.assertRaises(grid.BadCell, msg=wrong):
                grid.select(cells, wrong)

    def test_chance(self):
        self.assertFalse(grid.is_random(grid.cell()))
        self.assertTrue(grid.is_random(grid.cell(loss="1%/5")))
        self.assertTrue(grid.is_random(grid.cell(reorder="1%")))

    def test_what_is_quick_or_shared_or_real_is_of_the_grid(self):
        known = {grid.key(one) for one in grid.whole(["newreno", "cubic", "bbr"])}
        for one in grid.quick(["bbr"]) + grid.shared(["cubic"], True) + grid.shared(["cubic"], False) + grid.real():
            self.assertIn(grid.key({**one, "flows": "1"}), known)
        self.assertEqual(len({grid.key(one) for one in grid.real()}), len(grid.real()))
        self.assertGreaterEqual(len(grid.real()), 40)


class Figures(unittest.TestCase):
    def test_jain(self):
        self.assertEqual(figures.jain([3, 3, 3]), 1)
        self.assertAlmostEqual(figures.jain([1, 0, 0, 0]), 0.25)
        self.assertAlmostEqual(figures.jain([2, 1]), 0.9)
        self.assertEqual(figures.jain([0, 0]), 1)

    def test_a_paired_ratio(self):
        ratio, low, high = figures.paired_ratio([2, 20, 200], [1, 10, 100])
        self.assertAlmostEqual(ratio, 2)
        self.assertAlmostEqual(low, 2)
        self.assertAlmostEqual(high, 2)
        # Logarithms -d, 0, d: the mean is 0, the half width t(2) d / sqrt(3).
        ratio, low, high = figures.paired_ratio([50, 100, 200], [100, 100, 100])
        half = 4.303 * math.log(2) / math.sqrt(3)
        self.assertAlmostEqual(ratio, 1)
        self.assertAlmostEqual(math.log(high), half, places=3)
        self.assertAlmostEqual(math.log(low), -half, places=3)
        self.assertEqual(figures.paired_ratio([1], [2]), (0.5, 0.0, math.inf))
        self.assertTrue(math.isfinite(figures.paired_ratio([0, 1e6], [1e6, 1e6])[0]))
        with self.assertRaises(ValueError):
            figures.paired_ratio([1], [1, 2])

    def test_the_interval_holds_the_truth_as_often_as_it_says(self):
        dice = random.Random(5)
        held = 0
        for _ in range(400):
            theirs = [1e6 * math.exp(dice.gauss(0, 1)) for _ in range(5)]
            ours = [value * 1.3 * math.exp(dice.gauss(0, 0.1)) for value in theirs]
            _, low, high = figures.paired_ratio(ours, theirs)
            held += low <= 1.3 <= high
        self.assertTrue(366 <= held <= 392, held)

    def test_the_bootstrap_of_a_median(self):
        median, low, high = figures.bootstrap_median([1.0] * 9)
        self.assertEqual((median, low, high), (1.0, 1.0, 1.0))
        values = [float(i) for i in range(1, 42)]
        median, low, high = figures.bootstrap_median(values)
        self.assertEqual(median, 21)
        self.assertTrue(10 <= low < 21 < high <= 32, (low, high))
        self.assertEqual((median, low, high), figures.bootstrap_median(values))


class Reports(unittest.TestCase):
    def shown(self, rows, markdown=False):
        with contextlib.redirect_stdout(io.StringIO()) as text:
            report.ratios_to_linux(report.Report(markdown), rows)
        return text.getvalue()

    def test_a_slow_cell_is_marked_beyond_its_interval_alone(self):
        def row(ww):
            return {"cell": grid.cell(), "goodput": {"ll": [100e6, 101e6, 99e6], "ww": ww}}
        self.assertRegex(self.shown({"a": row([50e6, 50e6, 50e6])}), r"0\.50 \(0\.4[0-9]-0\.5[0-9]\) !")
        self.assertNotIn("!", self.shown({"a": row([50e6, 100e6, 80e6])}))
        self.assertNotIn("!", self.shown({"a": row([99e6, None, 98e6])}))

    def test_markdown_is_a_table(self):
        text = self.shown({"a": {"cell": grid.cell(), "goodput": {"ll": [1e6], "ww": [2e6]}}}, markdown=True)
        self.assertIn("|---|---:|", text)
        self.assertIn("| 2.00 |", text)


if __name__ == "__main__":
    unittest.main()
