#!/bin/bash
# SPDX-License-Identifier: MIT
# Half-close with OpenBSD's nc, -N on either side, in either order, and held open for a while.
. "$(dirname "$0")/lib.sh"
needs nc openssl

noise 1500000 3 >question
noise 2500000 4 >answer

# The program finishes first; only then does the host begin to answer. (A listening nc would not do
# for the host: it quits at the end of file, however much it has yet to say.)
start server python3 "$here/peer.py" answer-after-eof 7001 heard answer 1
await_port 7001
run -- nc -N 10.0.2.2 7001 <question >got
expect "program closes first, status" 0 $?
wait "${started[-1]}"
expect_same_file "program closes first: the question" question heard
expect_same_file "program closes first: the answer, a second after the FIN" answer got
rm -f asked heard got

# The host finishes first; the program has heard everything before it begins to speak.
start server2 bash -c 'nc -N -l 127.0.0.1 7003 <answer >heard'
await_port 7003
run -- bash -c 'nc -N 10.0.2.2 7003 < <(while [ "$(stat -c %s got)" -lt 2500000 ]; do sleep 0.1; done; sleep 1; cat question) >got'
expect "host closes first, status" 0 $?
wait "${started[-1]}"
expect_same_file "host closes first: the answer" answer got
expect_same_file "host closes first: the question, a second after the FIN" question heard
rm -f got heard

# Both at once, and the same through --publish, where wavehand opens the connection.
start server3 bash -c "python3 $here/peer.py pipe 127.0.0.1 7004 <answer >heard"
await_port 7004
run -- nc -N 10.0.2.2 7004 <question >got
wait "${started[-1]}"
expect_same_file "both at once: the answer" answer got
expect_same_file "both at once: the question" question heard
rm -f got heard

run --publish 7005:7005 -- bash -c "python3 $here/peer.py pipe 0.0.0.0 7005 <answer >heard" &
await_port 7005
sleep 1 # nothing tells when the program has begun to listen
nc -N 127.0.0.1 7005 < <(sleep 1; cat question) >got
wait $!
expect_same_file "published: the answer" answer got
expect_same_file "published: the question" question heard
finish
