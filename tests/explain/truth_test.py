#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What make-truth writes is the same each time, and its labels can be read and name verdicts that exist.

  truth_test.py MAKE-TRUTH
"""
import filecmp
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COUNT = 250  # each scenario of either set at least twice
KEYS = {"files", "scenario", "cause", "vantage", "lossy_capture", "begins_late", "one_direction", "expect", "holds"}
MAGIC = {"pcap": [b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"], "pcapng": [b"\x0a\x0d\x0d\x0a"]}


def verdicts():
    """Name by name as src/explain/verdict.h lists them."""
    with open(os.path.join(ROOT, "src", "explain", "verdict.h"), encoding="utf-8") as header:
        return set(re.findall(r'X\(\w+,\s*"([\w-]+)",\s*\w+', header.read()))


def make(maker, directory, name):
    subprocess.run([maker, directory, "--set", name, "--count", str(COUNT), "--seed", "7"], check=True)
    with open(os.path.join(directory, "labels.jsonl"), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def check_label(label, directory, known):
    missing = KEYS - set(label)
    assert not missing, f"{label}: without {missing}"
    assert ("pattern" in label) != ("client" in label and "server" in label), f"{label}: of what?"
    unknown = set(label["expect"]) - known
    assert label["expect"] and not unknown, f"{label}: no verdict is called {unknown}"
    for name in label["files"]:
        with open(os.path.join(directory, name), "rb") as capture:
            assert capture.read(4) in MAGIC[name.rpartition(".")[2]], f"{name} is no capture file"


def check_set(maker, name, known):
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        labels = make(maker, first, name)
        make(maker, second, name)
        for label in labels:
            check_label(label, first, known)
        names = sorted(os.listdir(first))
        assert names == sorted(os.listdir(second)), "other files the second time"
        _, differ, odd = filecmp.cmpfiles(first, second, names, shallow=False)
        assert not differ and not odd, f"not the same twice: {differ + odd}"
        assert len(labels) > 0.9 * COUNT, f"only {len(labels)} cases"
        return {label["scenario"] for label in labels}, {label["expect"][0] for label in labels}


def main():
    known = verdicts()
    tuning, tuning_verdicts = check_set(sys.argv[1], "tuning", known)
    final, final_verdicts = check_set(sys.argv[1], "final", known)
    assert final - tuning, "the final set has no scenario of its own"
    # Some verdicts depend on chance: from where a lost SYN is seen.
    never = known - tuning_verdicts - final_verdicts - {"cannot-tell", "syn-lost", "syn-repeated"}
    assert not never, f"no case is about {never}"
    print(f"{len(tuning)} scenarios to tune with, {len(final)} for the figure; {len(final - tuning)} only there")


if __name__ == "__main__":
    main()
