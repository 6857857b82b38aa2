#!/bin/bash
# SPDX-License-Identifier: MIT
# Servers inside, reached through --publish: wavehand is the active opener.
. "$(dirname "$0")/lib.sh"
needs curl nginx

mkdir site
noise 2000000 2 >site/big
echo "from inside" >site/index.html
cat >nginx.conf <<END
daemon off;
pid $PWD/nginx.pid;
error_log stderr;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path $PWD/t1; proxy_temp_path $PWD/t2; fastcgi_temp_path $PWD/t3;
    uwsgi_temp_path $PWD/t4; scgi_temp_path $PWD/t5;
    server { listen 80; listen [::]:80; root $PWD/site; }
}
END

# Port 80 inside is a low port: no privilege is needed to bind it there.
LIMIT=60 run_behind --publish 8081:80 --publish 8082:81 -- bash -c '
    nginx -e stderr -p . -c "$PWD/nginx.conf" & python3 -m http.server --directory site 81 & wait' \
    >inside.log 2>&1
await_port 8081
await_port 8082
get() { curl -sS --max-time 20 "$@"; }
ready() { [[ $(get -f "http://127.0.0.1:$1/" 2>/dev/null) == "from inside" ]]; }
await 10 ready 8081 && pass "nginx inside answers" || fail "nginx inside does not answer"
await 10 ready 8082 && pass "python inside answers" || fail "python inside does not answer"
get -o got http://127.0.0.1:8081/big
expect_same_file "2 MB from nginx inside" site/big got
get -o got http://127.0.0.1:8082/big
expect_same_file "2 MB from python inside" site/big got
expect "40 connections at once" 40 \
    "$(get --parallel --parallel-max 20 'http://127.0.0.1:8081/index.html?[1-40]' 2>/dev/null | grep -c inside)"

# The port is ours alone while we run, and nobody's afterwards.
run --publish 8081:80 -- true 2>taken.err
expect "a host port in use, status" 125 $?
expect_complaint "a host port in use" 8081 taken.err
kill -TERM "$command"
wait "$behind"
expect "the host port is free again" "" "$(ss -Hltn 'sport = :8081')"

# Nobody listens inside: whoever connects is refused, or reset at once.
LIMIT=20 run_behind --publish 8083:9 -- sleep 10
await_port 8083
get http://127.0.0.1:8083/ 2>refused.err
expect_match "nobody listens inside: status of curl" '^(7|52|56)$' $?
kill -TERM "$command"
wait "$behind"
finish
