#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each scene, written as captures, is explained as its `verdict` line says.

    scenes_test.py WAVEHAND SCENES
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from scene import Scene  # noqa: E402


def explain(wavehand, files):
    """What `wavehand explain --json` says: its objects."""
    run = subprocess.run([wavehand, "explain", "--json", "--ladder", *files], capture_output=True, text=True,
                         timeout=60, check=False)
    if run.returncode != 0 or run.stderr:
        raise AssertionError(f"exit status {run.returncode}: {run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def shown(objects):
    """Numbers of the packets that the ladders show, and the folds."""
    rungs = [rung for thing in objects for rung in thing.get("ladder", [])]
    return ({rung["packet"] for rung in rungs},
            [(rung["packet"], rung["last_packet"]) for rung in rungs if rung["kind"] == "fold"])


def judge(scene, objects):
    """None, or what is wrong."""
    said = [thing for thing in objects if thing["type"] in ("connection", "pattern")]
    packets, folds = shown(said)
    for thing in said:
        verdict = thing["verdict"]
        if verdict["name"] != scene.verdict or verdict.get("confidence", "certain") != scene.confidence:
            continue
        cited = [packet["number"] for packet in verdict.get("packets", [])]
        missing = [n for n in cited if n not in packets and not any(first <= n <= last for first, last in folds)]
        return f"cites packets {missing}, which no ladder shows" if missing else None
    return "said " + "; ".join(f"{thing['verdict']['name']} ({thing['verdict'].get('confidence')}): "
                               f"{thing['verdict']['text']}" for thing in said)


def main():
    wavehand, scenes = sys.argv[1], sorted(Path(sys.argv[2]).glob("*.scene"))
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for number, path in enumerate(scenes, 1):
            scene = Scene(path)
            wrong = judge(scene, explain(wavehand, scene.write(directory, path.stem)))
            print(f"{'not ok' if wrong else 'ok'} {number} {path.stem}: {scene.verdict} {scene.confidence}")
            if wrong:
                print(f"# {wrong}")
                failed += 1
    print(f"1..{len(scenes)}")
    return 1 if failed or not scenes else 0


if __name__ == "__main__":
    sys.exit(main())
