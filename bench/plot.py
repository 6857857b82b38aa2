# SPDX-License-Identifier: MIT
"""
A figure over decades of something, as SVG: both axes logarithmic, a line a series. No library but Python's own.

The picture brings its own background, light or dark as the reader's system is, so that it can be read wherever
it is embedded. Series are told apart by colour and by mark. The vertical axis shows two decades at least: what
hardly changes shall look so. Zero, which has no logarithm, stands half a decade left of the least value.
"""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, BOTTOM = 84, 24, 64
TITLE, LEGEND = 30, 20   # heights of the title, and of each line of the legend
LEAST_DECADES = 2

LIGHT = {"back": "#ffffff", "ink": "#1f2328", "grid": "#d1d9e0", "faint": "#59636e"}
DARK = {"back": "#0d1117", "ink": "#f0f6fc", "grid": "#3d444d", "faint": "#9198a1"}
SERIES = [("#0550ae", "#79c0ff"), ("#a04100", "#ffa657"), ("#116329", "#56d364"), ("#6639ba", "#d2a8ff"),
          ("#99286e", "#ff9bce"), ("#4d5358", "#b1bac4")]


def style():
    def rules(colours, column):
        lines = [f".back {{ fill: {colours['back']} }}", f"text {{ fill: {colours['ink']} }}",
                 f".faint {{ fill: {colours['faint']} }}", f".grid {{ stroke: {colours['grid']} }}"]
        for n, pair in enumerate(SERIES):
            lines.append(f".s{n} {{ stroke: {pair[column]} }} .m{n} {{ fill: {pair[column]} }}")
        return "\n".join(lines)
    return (f"<style>\ntext {{ font: 13px sans-serif }} .title {{ font-size: 16px; font-weight: bold }}\n"
            f".line {{ fill: none; stroke-width: 2 }} .grid {{ stroke-width: 1 }}\n{rules(LIGHT, 0)}\n"
            f"@media (prefers-color-scheme: dark) {{\n{rules(DARK, 1)}\n}}\n</style>")


class Axis:
    """From values to places; decades are whole, so that each has its line."""
    def __init__(self, values, begin, end, least=1):
        positive = [value for value in values if value > 0]
        if not positive:
            raise ValueError("nothing above zero to draw")
        self.low = math.floor(math.log10(min(positive)) + 1e-9)
        self.high = math.ceil(math.log10(max(positive)) - 1e-9)
        while self.high - self.low < least:
            self.high += 1
            if self.high - self.low < least:
                self.low -= 1
        self.zero = any(value == 0 for value in values)
        self.begin, self.end = begin, end

    def place(self, value):
        left = self.low - (0.5 if self.zero else 0)
        at = math.log10(value) if value > 0 else left
        return self.begin + (at - left) / (self.high - left) * (self.end - self.begin)

    def ticks(self):
        return ([0] if self.zero else []) + [10.0 ** n for n in range(self.low, self.high + 1)]


def short(value):
    """A number as a reader likes it on an axis: 1, 10 k, 2.5 M, 0.01."""
    for factor, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= factor:
            return f"{value / factor:.3g}{letter}"
    return f"{value:.3g}"


def a_decade(points):
    """By what factor y changes while x grows tenfold: the straight line nearest to the logarithms; None of one point."""
    logs = [(math.log10(x), math.log10(y)) for x, y in points if x > 0 and y > 0]
    mean_x, mean_y = (sum(one[i] for one in logs) / len(logs) if logs else 0 for i in (0, 1))
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    if spread == 0:
        return None
    return 10 ** (sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread)


def text(x, y, words, what="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{what}" text-anchor="{anchor}">{escape(words)}</text>'


def mark(n, x, y):
    """A shape of its own for each series."""
    shapes = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" class="m{n}"/>',
              f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" class="m{n}"/>',
              f'<path d="M{x:.1f} {y - 5.5:.1f}l5 9h-10z" class="m{n}"/>',
              f'<path d="M{x:.1f} {y - 6:.1f}l5.5 6l-5.5 6l-5.5 -6z" class="m{n}"/>']
    return shapes[n % len(shapes)]


def axes(across, up, top, x_words, y_words):
    out = []
    for value in across.ticks():
        x = across.place(value)
        out.append(f'<path d="M{x:.1f} {top}V{HEIGHT - BOTTOM}" class="grid"/>')
        out.append(text(x, HEIGHT - BOTTOM + 20, short(value), anchor="middle"))
    for value in up.ticks():
        y = up.place(value)
        out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" class="grid"/>')
        out.append(text(LEFT - 8, y + 4, short(value), anchor="end"))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, x_words, "faint", "middle"))
    middle = (top + HEIGHT - BOTTOM) / 2
    out.append(f'<g transform="rotate(-90 18 {middle:.1f})">{text(18, middle, y_words, "faint", "middle")}</g>')
    return out


def legend(n, name, points, y):
    factor = a_decade(points)
    change = "" if factor is None else f": x {factor:.2f} a decade"
    return [f'<path d="M{LEFT} {y - 4}h24" class="line s{n}"/>', mark(n, LEFT + 12, y - 4),
            text(LEFT + 32, y, name + change)]


def svg(title, x_words, y_words, series):
    """series: {name: [(x, y), ...]}, drawn in their order."""
    top = TITLE + 14 + LEGEND * len(series)
    values = [point for points in series.values() for point in points]
    across = Axis([x for x, _ in values], LEFT, WIDTH - RIGHT)
    up = Axis([y for _, y in values], HEIGHT - BOTTOM, top, LEAST_DECADES)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
           f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img">', f"<title>{escape(title)}</title>", style(),
           f'<rect width="{WIDTH}" height="{HEIGHT}" class="back"/>', text(LEFT, TITLE - 8, title, "title")]
    out += axes(across, up, top, x_words, y_words)
    for n, (name, points) in enumerate(series.items()):
        n %= len(SERIES)
        places = [(across.place(x), up.place(y)) for x, y in sorted(points)]
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        out.append(f'<path d="M{line}" class="line s{n}"/>')
        out += [mark(n, x, y) for x, y in places]
    for n, (name, points) in enumerate(series.items()):
        out += legend(n % len(SERIES), name, points, TITLE + 12 + LEGEND * n)
    return "\n".join(out + ["</svg>"]) + "\n"
