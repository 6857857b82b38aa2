#!/bin/bash
# SPDX-License-Identifier: MIT
# Exit statuses, signals, and what happens to what a program leaves behind.
. "$(dirname "$0")/lib.sh"

status() { run "$@" >status.out 2>status.err; echo $?; }

expect "status 0" 0 "$(status -- true)"
expect "status 1" 1 "$(status -- false)"
expect "status 42" 42 "$(status -- sh -c 'exit 42')"
expect "status 255" 255 "$(status -- sh -c 'exit 255')"
expect "a program that kills itself" $((128 + 9)) "$(status -- sh -c 'kill -KILL $$')"
expect "a program that aborts" $((128 + 6)) "$(status -- sh -c 'kill -ABRT $$')"

expect "no such program, status" 127 "$(status -- /nowhere/at-all)"
expect_complaint "no such program" "/nowhere/at-all" status.err
expect "no such program in PATH, status" 127 "$(status -- no-such-program-anywhere)"
expect_complaint "no such program in PATH" "no-such-program-anywhere" status.err
echo data >plain
expect "not executable, status" 126 "$(status -- ./plain)"
expect_complaint "not executable" "./plain" status.err
expect "a directory, status" 126 "$(status -- /usr)"
expect "no program at all, status" 125 "$(status --)"
expect "an unknown option, status" 125 "$(status --no-such-option -- true)"
expect_complaint "an unknown option" "no-such-option" status.err
expect "an option without its value, status" 125 "$(status --pcap)"

# Signals are passed on.
for signal in TERM INT HUP USR1 USR2 QUIT; do
    LIMIT=20 run_behind -- bash -c "
        trap 'echo caught; exit 33' $signal; touch ready; for i in {1..150}; do sleep 0.1; done" >signal.out 2>signal.err
    await 10 test -e ready || fail "the program does not start"
    kill -"$signal" "$command"
    wait "$behind"
    expect "SIG$signal is passed on" "33 caught" "$? $(cat signal.out)"
    rm -f ready
done
LIMIT=20 run_behind -- bash -c "touch ready; sleep 15; :"
await 10 test -e ready
kill -TERM "$command"
wait "$behind"
expect "killed by a signal that was passed on" $((128 + 15)) $?
rm -f ready

# A daemon left behind dies with the program's process namespace.
started_at=$SECONDS
expect "a program that leaves a process behind, status" 7 "$(status -- sh -c 'sleep 300 & exit 7')"
expect_number "nobody waits for it" -le $((12 * slow)) $((SECONDS - started_at))
expect_nothing_left "a program that leaves a process behind"
finish
