#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page of `wavehand explain --html` in a real Chromium.

    page_test.py WAVEHAND SCENES
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "explain")]
from browser import Browser  # noqa: E402
from scene import Scene  # noqa: E402

HOSTILE = "</script><img src=x onerror=alert(1)>.pcapng"
# Text colours against what lies behind them, as WCAG 2.1 1.4.3 counts it.
CONTRAST = """
const parts = (text) => text.match(/[\\d.]+/g).map(Number);
const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255).map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const ground = (element) => { for (let e = element; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor);
  if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
let least = 99, where = "";
for (const element of document.querySelectorAll("body *")) {
  if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())) continue;
  if (element.closest("svg, script, style, noscript") || !element.offsetParent) continue;
  const [a, b] = [light(parts(getComputedStyle(element).color)), light(ground(element))];
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < least) { least = ratio; where = element.className + ": " + element.textContent.slice(0, 40); }
}
return [least, where];
"""


class Failed(Exception):
    pass


def expect(good, what):
    if not good:
        raise Failed(what)


def make_page(wavehand, scenes, directory, names):
    """One page of several scenes, whose file's name is hostile."""
    capture = Path(directory) / HOSTILE.replace("/", "\u2215")
    with open(capture, "wb") as out:
        for number, name in enumerate(names):
            scene = Scene(scenes / f"{name}.scene")
            scene.ends["client"] = (scene.ends["client"][0], 41000 + number)
            out.write(Path(scene.write(directory, "one")[0]).read_bytes())  # sections follow each other
    page = Path(directory) / "page.html"
    run = subprocess.run([wavehand, "explain", str(capture), "--html", str(page)], capture_output=True, text=True, timeout=60, check=False)
    expect(run.returncode == 0, f"exit status {run.returncode}: {run.stderr}")
    return page


# ------------------------------------------------------------------------------ the tests

def loads_quietly(browser, page):
    browser.open(page)
    expect(browser.log("browser") == [], f"console: {browser.log('browser')}")
    messages = [json.loads(entry["message"])["message"] for entry in browser.log("performance")]
    sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    mine = [params["request"]["url"] for params in sent if params["documentURL"].startswith("file://")]
    foreign = [url for url in mine if not url.startswith(("file://" + str(page), "data:"))]
    expect(mine, "the page itself was asked for")
    expect(foreign == [], f"asked for {foreign}")


def shows_all(browser, names):
    expect(browser.run("return document.querySelectorAll('#rows tr').length") == len(names), "a row for each connection")
    verdicts = browser.run("return [...document.querySelectorAll('#verdicts button')].map(b => b.textContent)")
    expect("refused" in verdicts and "closed-four-way" in verdicts, f"verdicts {verdicts}")
    grades = browser.run("return [...document.querySelectorAll('#verdicts .grade')].map(b => b.textContent)")
    expect(grades == sorted(grades, key=["failed", "troubled", "unknown", "open", "clean"].index), "worst first")


def filters(browser, names):
    rows = "return document.querySelectorAll('#rows tr').length"
    browser.run("document.querySelector('#verdicts tr[data-verdict=refused] button').click()")
    expect(browser.run(rows) == 1, "one was refused")
    browser.run("document.querySelector('#verdicts tr[data-verdict=refused] button').click()")
    expect(browser.run(rows) == len(names), "the filter is off again")
    browser.run("const s = document.getElementById('search'); s.value = '41001'; s.dispatchEvent(new Event('input'))")
    expect(browser.run(rows) == 1, "search by port")
    browser.run("const s = document.getElementById('search'); s.value = ''; s.dispatchEvent(new Event('input'))")
    browser.run("document.querySelector('th[data-key=packets] button').click()")
    packets = browser.run("return [...document.querySelectorAll('#rows td:last-child')].map(t => Number(t.textContent))")
    expect(packets == sorted(packets), f"sorted by packets: {packets}")


def opens_by_keyboard(browser):
    browser.run("document.querySelector('#rows button').focus()")
    first = browser.run("return document.activeElement.textContent")
    browser.press("ArrowDown")
    expect(browser.run("return document.activeElement.textContent") != first, "arrow keys move in the list")
    browser.press("Enter")
    expect(browser.run("return document.activeElement.id") == "title", "Enter opens, and the title has the focus")
    for _ in range(12):
        browser.press("Tab")
        if browser.run("return document.activeElement.classList.contains('segment')"):
            break
    expect(browser.run("return document.activeElement.classList.contains('segment')"), "Tab reaches the ladder")
    before = browser.run("return document.querySelector('#panel h3').textContent")
    browser.press("ArrowDown")
    expect(browser.run("return document.querySelector('#panel h3').textContent") != before, "arrow keys move in the ladder")
    outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
    expect(outline != "none", "the focus can be seen")
    browser.press("Escape")
    expect(browser.run("return document.activeElement.id") == "search", "Escape leads back")


def open_verdict(browser, name):
    browser.run("[...document.querySelectorAll('#rows tr')].find(r => r.textContent.includes(arguments[0])).querySelector('button').click()", name)


def tells_headers(browser):
    open_verdict(browser, "closed-four-way")
    browser.run("document.querySelector('.segment').focus()")
    words = browser.run("return document.getElementById('panel').textContent")
    for part in ("SYN: opens", "largest segment 1460", "window scale 7", "TTL", "0 (1000000)"):
        expect(part in words, f"'{part}' in {words}")
    browser.run("document.querySelector('#sentence button').click()")
    expect(browser.run("return document.activeElement.classList.contains('segment')"), "a packet of the verdict leads to its line")


def shows_arcs(browser):
    open_verdict(browser, "closed-four-way")
    clicked = browser.run("""const row = [...document.querySelectorAll('.rung')].find(r => r.textContent.includes('FIN+ACK'));
        row.querySelector('.state').click(); return row.querySelector('.state').textContent""")
    expect(clicked == "FIN-WAIT-1", f"the client's state after its FIN is {clicked}")
    words = browser.run("return document.getElementById('panel').textContent")
    expect("ESTABLISHED → FIN-WAIT-1: close (RFC 9293" in words, f"the arc, with its section: {words}")
    expect(browser.run("return document.querySelectorAll('#panel .arc.taken').length") == 1, "one arc is highlighted")
    expect(browser.run("return document.querySelector('#panel .node.here + text').textContent") == "FIN-WAIT-1", "the state is marked")


def plots(browser):
    open_verdict(browser, "closed-four-way")
    bars = "return document.querySelectorAll('.plot .dot-data, .plot .dot-server, .plot .dot-marked').length"
    expect(browser.run(bars) >= 4, "segments are in the plot")
    label = "return document.querySelectorAll('.plot text')[8].textContent"
    before = browser.run(label)
    browser.run("document.querySelector('.plot').focus()")
    browser.press("+")
    expect(browser.run(label) != before, "plus zooms")
    browser.press("0")
    expect(browser.run(label) == before, "0 shows all")


def is_readable(browser):
    open_verdict(browser, "zero-window-stall")
    browser.run("document.querySelector('.segment').focus()")
    for scheme in ("light", "dark"):
        browser.emulate("prefers-color-scheme", scheme)
        ratio, where = browser.run(CONTRAST)
        expect(ratio >= 4.5, f"{scheme}: contrast {ratio:.2f} of '{where}'")
    dark = browser.run("return getComputedStyle(document.body).backgroundColor")
    browser.emulate("prefers-color-scheme", "light")
    expect(dark != browser.run("return getComputedStyle(document.body).backgroundColor"), "dark is dark")
    browser.resize(360, 800)
    wide = browser.run("return document.documentElement.scrollWidth")
    browser.resize(1280, 1000)
    expect(wide <= 360, f"at 360 pixels the page is {wide} wide")


def is_not_injected(browser):
    expect(browser.run("return document.querySelectorAll('img').length") == 0, "a file's name became an element")
    expect("onerror" in browser.run("return document.getElementById('about').textContent"), "the name is told as it is")


def main():
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        print("skipped: the page is tested in chromium (packages chromium, chromium-driver)")
        return 77
    wavehand, scenes = sys.argv[1], Path(sys.argv[2])
    names = ["refused", "closed-four-way", "zero-window-stall", "fin-wait-2-orphan", "mtu-black-hole", "reset-injected"]
    failed = 0
    with tempfile.TemporaryDirectory() as directory, Browser() as browser:
        page = make_page(wavehand, scenes, directory, names)
        tests = [lambda: loads_quietly(browser, page), lambda: shows_all(browser, names), lambda: filters(browser, names),
                 lambda: opens_by_keyboard(browser), lambda: tells_headers(browser), lambda: shows_arcs(browser),
                 lambda: plots(browser), lambda: is_readable(browser), lambda: is_not_injected(browser)]
        titles = ["loads without a word on the console and without a request", "shows a row for each connection, worst verdict first",
                  "filters, searches and sorts", "is used by keyboard alone", "tells a segment's header in words", "shows the arc and its section",
                  "plots and zooms", "is readable: contrast, dark mode, 360 pixels", "names from outside stay text"]
        for number, (title, test) in enumerate(zip(titles, tests), 1):
            try:
                test()
                print(f"ok {number} {title}")
            except (Failed, RuntimeError) as error:
                failed += 1
                print(f"not ok {number} {title}\n# {error}")
    print(f"1..{len(tests)}")
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    sys.exit(main())
