#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What bench/run, bench/instructions and bench/plot-growth are made of."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import time
import types
import unittest
import unittest.mock
import xml.dom.minidom

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench")
sys.path.insert(0, BENCH)

import in_memory    # noqa: E402
import plot         # noqa: E402
import report       # noqa: E402


def script(name):
    """A command as a module: its name ends in nothing that Python knows."""
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), os.path.join(BENCH, name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


instructions = script("instructions")
plot_growth = script("plot-growth")


def printed(function, *arguments):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        result = function(*arguments)
    return result, out.getvalue()


class Figures(unittest.TestCase):
    def setUp(self):
        self.figures = report.Report()
        in_memory.add_lines(self.figures, [
            "core.round_trips.gvisor\t50\t1/s",
            '{"name": "core.round_trips.wavehand", "unit": "1/s", "rounds": [90, 100, 500], "median": 100}',
            "core.round_trips.lwip\t80\t1/s", "core.round_trips.lwip\t40\t1/s", "core.bulk_1500.lwip\t12\tGbit/s",
            "a line that is no figure"])

    def test_rows_stay_together_and_ours_is_first(self):
        self.assertEqual(self.figures.ordered(), ["core.round_trips.wavehand", "core.round_trips.lwip",
                                                  "core.round_trips.gvisor", "core.bulk_1500.lwip"])

    def test_medians_and_ratios(self):
        self.assertEqual(self.figures.middle("core.round_trips.wavehand"), 100)
        self.assertEqual(self.figures.middle("core.round_trips.lwip"), 60)
        self.assertEqual(self.figures.ratios("core.round_trips.wavehand"), "1.67 x lwip, 2.00 x gvisor")
        self.assertEqual(self.figures.ratios("core.round_trips.lwip"), "")

    def test_every_round_is_written(self):
        ours = self.figures.figures()[0]
        self.assertEqual((ours["least"], ours["most"], ours["rounds"]), (90, 500, [90, 100, 500]))

    def test_a_quick_run_begins_nothing_late_and_says_so(self):
        args = types.SimpleNamespace(until=time.monotonic() - 1, late=[])
        self.assertEqual(in_memory.lines_in_time("gvisor", args, ["echo", "here"], False), [])
        self.assertEqual(args.late, ["gvisor (time was up)"])
        args.until = None
        self.assertEqual(in_memory.lines_in_time("lwip", args, ["echo", "here"], True), ["here"])

    def test_a_quick_run_ends_what_takes_too_long(self):
        args = types.SimpleNamespace(until=time.monotonic() + 0.1, late=[])
        with unittest.mock.patch.object(in_memory, "GRACE", 0):
            self.assertEqual(in_memory.lines_in_time("gvisor", args, ["sleep", "60"], False), [])
        self.assertEqual(args.late, ["gvisor (time was up)"])


class Budget(unittest.TestCase):
    def verdict(self, counted, absent=(), **budget):
        return printed(instructions.compare, counted, absent, budget)

    def test_three_per_cent_are_let_pass(self):
        self.assertEqual(self.verdict({"lifecycle": 10300}, lifecycle=10000)[0], 0)
        above, text = self.verdict({"lifecycle": 10301}, lifecycle=10000)
        self.assertEqual(above, 1)
        self.assertIn("3.0% ABOVE", text)
        self.assertIn("bench/instructions --update", text)

    def test_well_below_is_told_and_passes(self):
        above, text = self.verdict({"lifecycle": 9600}, lifecycle=10000)
        self.assertEqual(above, 0)
        self.assertIn("-4.0%, well below", text)

    def test_a_row_without_budget_fails(self):
        self.assertEqual(self.verdict({"lifecycle": 1}, round_trip=1)[0], 1)

    def test_what_this_processor_cannot_count_is_told(self):
        above, text = self.verdict({}, ["segment_1500_avx2"], segment_1500_avx2=1)
        self.assertEqual(above, 0)
        self.assertIn("segment_1500_avx2    not counted", text)

    def test_each_row_has_a_budget(self):
        for who, budget in instructions.read_budgets().items():
            self.assertEqual(sorted(budget), sorted(row[0] for row in instructions.ROWS), who)


class Plots(unittest.TestCase):
    def test_decades_are_whole_and_equally_long(self):
        axis = plot.Axis([20, 30000], 100, 500)
        self.assertEqual(axis.ticks(), [10, 100, 1000, 10000, 100000])
        self.assertEqual([axis.place(value) for value in axis.ticks()], [100, 200, 300, 400, 500])

    def test_zero_stands_half_a_decade_to_the_left(self):
        axis = plot.Axis([0, 10, 1000], 0, 250)
        self.assertEqual([axis.place(value) for value in (0, 10, 100, 1000)], [0, 50, 150, 250])

    def test_what_hardly_changes_looks_so(self):
        axis = plot.Axis([47, 48], 0, 100, plot.LEAST_DECADES)
        self.assertLess(axis.place(48) - axis.place(47), 1)

    def test_nothing_above_zero_is_refused(self):
        with self.assertRaises(ValueError):
            plot.Axis([0], 0, 1)

    def test_a_decade_is_the_slope(self):
        self.assertAlmostEqual(plot.a_decade([(1, 7), (10, 70), (100, 700)]), 10)
        self.assertAlmostEqual(plot.a_decade([(0, 5), (1, 8), (100, 2)]), 0.5)
        self.assertIsNone(plot.a_decade([(5, 1)]))

    def test_numbers(self):
        for value, text in ((0, "0"), (0.01, "0.01"), (1, "1"), (2500, "2.5 k"), (1e6, "1 M"), (1e10, "10 G")):
            self.assertEqual(plot.short(value), text)

    def test_the_picture_is_well_formed_and_the_same_each_time(self):
        series = {"a <b> & c": [(0, 1), (10, 5)], "lwip": [(10, 100)]}
        once = plot.svg("title", "x", "1/s", series)
        self.assertEqual(once, plot.svg("title", "x", "1/s", series))
        dom = xml.dom.minidom.parseString(once)
        self.assertEqual(len([one for one in dom.getElementsByTagName("path")
                              if one.getAttribute("class").startswith("line")]), 4)  # a line, and one in the legend

    def test_points_of_one_x_are_runs_of_the_same(self):
        line = ('{"growth": "bulk_rtt", "who": "wavehand", "x": 10, "x_unit": "us", "median": %d, "least": 1, "most": 9, '
                '"unit": "Gbit/s", "notes": {}}')
        curves = plot_growth.read([line % 4, "", line % 5])
        self.assertEqual(curves, {"bulk_rtt": ("Gbit/s", "us", {"wavehand": {10: [4, 5]}})})

    def test_a_curve_without_words_has_its_name(self):
        self.assertEqual(plot_growth.words_of("lifecycle_ports", "ports"), ("Lifecycle ports", "ports"))

    def test_a_point_that_is_none_is_named(self):
        for line in ("{", '{"growth": "a"}', "[]",
                     '{"growth": "a", "who": "w", "x_unit": "b", "unit": "b", "x": "many", "median": 1}'):
            with self.assertRaisesRegex(SystemExit, "line 2"):
                plot_growth.read(["", line])


if __name__ == "__main__":
    unittest.main()
