# SPDX-License-Identifier: MIT
"""Tables, for people and to be pasted as Markdown."""
import statistics

import figures
import grid

LEAST = 0.85  # no cell shall be below it, beyond its confidence interval


class Table:
    def __init__(self, *heads):
        self.heads, self.rows = heads, []

    def add(self, *row):
        self.rows.append([str(value) for value in row])

    def text(self, markdown):
        if markdown:
            lines = ["| " + " | ".join(row) + " |" for row in [list(self.heads), *self.rows]]
            lines.insert(1, "|" + "|".join("---" if i == 0 else "---:" for i in range(len(self.heads))) + "|")
            return "\n".join(lines)
        widths = [max(len(row[i]) for row in [self.heads, *self.rows]) for i in range(len(self.heads))]
        return "\n".join("  ".join(value.ljust(width) if i == 0 else value.rjust(width)
                                   for i, (value, width) in enumerate(zip(row, widths))).rstrip()
                         for row in [self.heads, *self.rows])


class Report:
    """Collects what is printed; prints it at once."""
    def __init__(self, markdown):
        self.markdown = markdown

    def heading(self, text):
        print(f"\n### {text}\n" if self.markdown else f"\n{text}\n{'-' * len(text)}")

    def say(self, text):
        print(text + ("\n" if self.markdown else ""))

    def table(self, table):
        if table.rows:
            print(table.text(self.markdown) + ("\n" if self.markdown else ""))


def rate_text(bits):
    for factor, unit in ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s")):
        if bits >= factor:
            return f"{bits / factor:.3g} {unit}"
    return f"{bits:.0f} bit/s"


def short(one):
    """A cell in few words."""
    text = f"{one['cc']} loss {one['loss']} {one['rtt']} {one['rate']} queue {one['queue']}"
    if one["reorder"] != "0%":
        text += f" reorder {one['reorder']}"
    if one["flows"] != "1":
        text += f" flows {one['flows']}"
    return text


def _good(rows):
    return {key: row for key, row in rows.items() if "error" not in row}


def _ordered(rows, name):
    found = {row["cell"][name] for row in rows.values()}
    return sorted(found, key=lambda value: (grid.number(value), value))


def utilisation(report, title, rows):
    """One table an algorithm: loss and reordering downward, round-trip time across; medians over the rest."""
    rows = _good(rows)
    for cc in sorted({row["cell"]["cc"] for row in rows.values()}):
        mine = {key: row for key, row in rows.items() if row["cell"]["cc"] == cc}
        rtts = _ordered(mine, "rtt")
        report.heading(f"{title}, {cc}: share of the path used, in percent (median over rates and queues; in the "
                       "second half of the run)")
        table = Table("loss, reordering", *rtts)
        for loss in _ordered(mine, "loss"):
            for reorder in _ordered(mine, "reorder"):
                line = []
                for rtt in rtts:
                    cells = [row for row in mine.values() if (row["cell"]["loss"], row["cell"]["reorder"],
                                                              row["cell"]["rtt"]) == (loss, reorder, rtt)]
                    line.append(f"{100 * statistics.median(row['utilisation'] for row in cells):.1f} "
                                f"({100 * statistics.median(row['late_utilisation'] for row in cells):.1f})"
                                if cells else "-")
                if any(value != "-" for value in line):
                    table.add(loss if reorder == "0%" else f"{loss}, {reorder}", *line)
        report.table(table)


def every_cell(report, rows):
    """One line a cell."""
    table = Table("cell", "goodput", "used", "late", "again", "timeouts", "queue ms")
    for row in rows.values():
        if "error" in row:
            table.add(short(row["cell"]), row["error"], "-", "-", "-", "-", "-")
            continue
        again = row["retransmitted"] / max(row["bytes"], 1) if "retransmitted" in row else None
        table.add(short(row["cell"]), rate_text(row["goodput"]), f"{100 * row['utilisation']:.1f} %",
                  f"{100 * row['late_utilisation']:.1f} %", "-" if again is None else f"{100 * again:.2f} %",
                  f"{row['timeouts']:.1f}" if "timeouts" in row else "-", f"{row['queued_ms']:.2f}")
    report.table(table)


def cost(report, rows):
    """Which cells cost a core most: a walk over a long queue for each acknowledgement shows here."""
    found = sorted(((row.get("core_seconds", 0) / max(row["frames"], 1) * 1e6, row) for row in _good(rows).values()
                    if row["frames"] >= 1000), key=lambda pair: pair[0])
    if not found:
        return
    report.heading("What a frame costs, in microseconds of a core (both ends and the path)")
    report.say(f"median {statistics.median(pair[0] for pair in found):.2f}; dearest:")
    for micro, row in found[:-6:-1]:
        report.say(f"  {micro:.2f}  {short(row['cell'])}")


def fairness(report, rows):
    """Two flows: Jain's index."""
    rows = _good(rows)
    report.heading("Two flows on one path: Jain's index in the second half of the run")
    table = Table("algorithm", "cells", "median", "least", "below 0.9", "used")
    for cc in sorted({row["cell"]["cc"] for row in rows.values()}):
        mine = [row for row in rows.values() if row["cell"]["cc"] == cc]
        jains = [row["jain"] for row in mine]
        table.add(cc, len(mine), f"{statistics.median(jains):.3f}", f"{min(jains):.3f}",
                  sum(value < 0.9 for value in jains),
                  f"{100 * statistics.median(row['utilisation'] for row in mine):.1f} %")
    report.table(table)
    worst = sorted((row for row in rows.values() if row["jain"] < 0.9), key=lambda row: row["jain"])[:8]
    for row in worst:
        report.say(f"  {row['jain']:.3f}  {short(row['cell'])}")


def beside(report, ours, theirs, name):
    """wavehand's goodput as multiples of another's on the same paths, by loss."""
    by_path = {grid.key({**row["cell"], "cc": "-"}): row for row in _good(theirs).values()}
    report.heading(f"wavehand beside {name}: ratio of goodput on the same path")
    table = Table("algorithm, loss", "cells", "median", "least", "most")
    for cc in sorted({row["cell"]["cc"] for row in ours.values()}):
        for loss in [*_ordered(ours, "loss"), None]:
            ratios = []
            for row in _good(ours).values():
                other = by_path.get(grid.key({**row["cell"], "cc": "-"}))
                if other and row["cell"]["cc"] == cc and loss in (None, row["cell"]["loss"]):
                    ratios.append(row["goodput"] / max(other["goodput"], figures.TINY))
            if ratios:
                table.add(f"{cc}, {loss or 'all'}", len(ratios), f"{statistics.median(ratios):.2f}",
                          f"{min(ratios):.2f}", f"{max(ratios):.1f}")
    report.table(table)


def compared(report, now, before):
    """What changed since an earlier run: {key: row} of both."""
    report.heading("Changes since the earlier run")
    pairs = [(row["goodput"] / max(before[key]["goodput"], figures.TINY), row) for key, row in _good(now).items()
             if key in _good(before)]
    if not pairs:
        report.say("no cell is in both")
        return
    ratios = [ratio for ratio, _ in pairs]
    report.say(f"{len(pairs)} cells: median ratio {statistics.median(ratios):.3f}, geometric mean "
               f"{figures.geometric_mean(ratios):.3f}; {sum(ratio < 0.95 for ratio in ratios)} slower by more than "
               f"5 %, {sum(ratio > 1.05 for ratio in ratios)} faster")
    pairs.sort(key=lambda pair: pair[0])
    for ratio, row in pairs[:8]:
        if ratio < 0.95:
            report.say(f"  {ratio:.2f}  {short(row['cell'])}")


def ratios_to_linux(report, rows):
    """
    Real time. rows: {key: {"cell", "goodput": {pairing: [by seed]}, ...}}. For each cell the ratio of each pairing
    to Linux to Linux, and the sums.
    """
    names = {"ww": "wavehand to wavehand", "wl": "wavehand to Linux", "lw": "Linux to wavehand"}
    sums = {}
    report.heading("Real time: goodput as a ratio to Linux to Linux, same algorithm, same path, same seeds "
                   "(95 % interval)")
    table = Table("cell", "Linux", *names.values())
    for row in rows.values():
        line = []
        linux = row["goodput"].get("ll", [])
        for pairing in names:
            ours = row["goodput"].get(pairing, [])
            both = [(a, b) for a, b in zip(ours, linux) if a is not None and b is not None]
            if not both:
                line.append("-")
                continue
            ratio, low, high = figures.paired_ratio([a for a, _ in both], [b for _, b in both])
            sums.setdefault((row["cell"]["cc"], pairing), []).append((ratio, high, row["cell"]))
            sure = f" ({low:.2f}-{high:.2f})" if len(both) > 1 else ""
            line.append(f"{ratio:.2f}{sure}{' !' if len(both) > 1 and high < LEAST else ''}")
        measured = [value for value in linux if value is not None]
        table.add(short(row["cell"]), rate_text(statistics.median(measured)) if measured else "-", *line)
    report.table(table)
    table = Table("algorithm, ends", "cells", "median (95 %)", "worst", f"below {LEAST}")
    for (cc, pairing), found in sorted(sums.items()):
        ratios = [ratio for ratio, _, _ in found]
        median, low, high = figures.bootstrap_median(ratios)
        table.add(f"{cc}, {names[pairing]}", len(found), f"{median:.2f} ({low:.2f}-{high:.2f})", f"{min(ratios):.2f}",
                  sum(high_end < LEAST for _, high_end, _ in found))
    report.table(table)
    for (cc, pairing), found in sorted(sums.items()):
        ratio, high, one = min(found, key=lambda entry: entry[0])
        if high < LEAST:
            report.say(f"worst of {cc}, {names[pairing]}: {ratio:.2f} at {short(one)}")


def real_fairness(report, rows):
    table = Table("cell", "Linux to Linux", "wavehand to wavehand", "wavehand to Linux", "Linux to wavehand")
    for row in rows.values():
        if row["cell"]["flows"] == "1":
            continue
        line = []
        for pairing in ("ll", "ww", "wl", "lw"):
            values = [value for value in row.get("jain", {}).get(pairing, []) if value is not None]
            line.append(f"{statistics.median(values):.3f}" if values else "-")
        table.add(short(row["cell"]), *line)
    if table.rows:
        report.heading("Real time, two flows: Jain's index (median over the seeds)")
        report.table(table)
