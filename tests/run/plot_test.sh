#!/bin/bash
# SPDX-License-Identifier: MIT
# The picture of a real program's connection: well-formed, of the right connection, with what happened in it.
. "$(dirname "$0")/lib.sh"
needs curl python3

head -c 300000 /dev/urandom >page
start page python3 -m http.server --bind 127.0.0.1 8001
start count python3 "$here/peer.py" count 8002 counted
await_port 8001
await_port 8002
build probe -static
page=(curl -sS --max-time 60 -o /dev/null http://10.0.2.2:8001/page)

# marks FILE CLASS: how many marks of a class an SVG has in its first panel; an error if it is no XML.
marks()
{
    python3 - "$1" "$2" <<'END'
import sys, xml.etree.ElementTree as tree
name = "{http://www.w3.org/2000/svg}"
root = tree.parse(sys.argv[1]).getroot()
assert root.tag == name + "svg", root.tag
panel = next(g for g in root.iter(name + "g") if g.get("clip-path") == "url(#sequence)")
paths = [p.get("d") for p in panel.iter(name + "path") if p.get("class") == sys.argv[2]]
print(sum(path.count("M") for path in paths))
END
}

# title FILE: what the picture says it is of
title()
{
    python3 -c 'import sys, xml.etree.ElementTree as tree
print(tree.parse(sys.argv[1]).getroot()[0].text)' "$1"
}

run --no-ladder --mtu 1500 --seed 7 --plot page.svg -- "${page[@]}"
expect_match "a download is the sender's: wavehand's" "^wavehand → program: 300 kB in " "$(title page.svg)"
expect_number "data" -ge 1 "$(marks page.svg data)"
expect_number "acknowledgements" -eq 1 "$(marks page.svg ack)"
expect_number "no losses, no marks of any" -eq 0 "$(marks page.svg acks)"
expect "no script" 0 "$(grep -c '<script' page.svg)"
expect_match "its panels" "Windows.*Round-trip time.*Throughput" "$(tr -d '\n' <page.svg)"

# About 200 segments: that none of them is lost happens once in 400 seeds, and not with this one.
run --no-ladder --mtu 1500 --seed 7 --fault 'loss 3%' --plot lossy.svg -- "${page[@]}"
expect_number "with loss 3%: what the path dropped" -ge 1 "$(marks lossy.svg drop)"
again=0
for class in acks timeout probe; do
    again=$((again + $(marks lossy.svg $class)))
done
expect_number "with loss 3%: what was sent again" -ge 1 $again

run --no-ladder --plot up.svg -- ./probe connect 10.0.2.2 8002 send 3000000 shutdown recv-all >probe.out
expect "an upload: all of it" "3000000 EOF" "$(cat counted)"
expect_match "an upload is the program's" "^program → wavehand: 3 MB in " "$(title up.svg)"
expect_match "... whose windows cannot be seen" "The sender is the program" "$(cat up.svg)"

run --no-ladder --plot many.svg --plot-connection 2 -- \
    bash -c 'for i in 1 2 3; do curl -sS -o /dev/null http://10.0.2.2:8001/page; done'
expect_match "the second of three" "connection 2 of 3" "$(cat many.svg)"
run --no-ladder --plot none.svg -- true
expect "no connection" "No connection" "$(title none.svg)"
run --no-ladder --plot /no/such/place.svg -- true 2>complaint
expect "a place that cannot be written" 125 $?
expect_complaint "a place that cannot be written" "/no/such/place.svg" complaint
run --no-ladder --plot-connection 2 -- true 2>complaint
expect "a connection, and no file" 125 $?
expect_complaint "a connection, and no file" "add --plot FILE" complaint
finish
