#!/bin/bash
# SPDX-License-Identifier: MIT
# curl and wget, plain and over TLS, IPv4 and IPv6, against servers on the host's loopback.
. "$(dirname "$0")/lib.sh"
needs curl wget nginx openssl

mkdir site
noise 3000000 1 >site/big
echo "the page" >site/index.html
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=wavehand-test \
    -addext 'subjectAltName=IP:10.0.2.2,IP:fd00::2' 2>/dev/null || fail "no certificate"
chmod 644 key.pem
cat >nginx.conf <<END
daemon off;
pid $PWD/nginx.pid;
error_log stderr;
worker_processes 1;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path $PWD/nginx-temp;

    server {
        listen 127.0.0.1:8080;
        listen [::1]:8080;
        listen 127.0.0.1:8443 ssl;
        listen [::1]:8443 ssl;
        ssl_certificate $PWD/cert.pem;
        ssl_certificate_key $PWD/key.pem;
        root $PWD/site;
        location /put/ { dav_methods PUT; client_max_body_size 100m; create_full_put_path on; }
    }
}
user root;
END
start nginx nginx -e stderr -p "$PWD" -c "$PWD/nginx.conf"
start python python3 -m http.server --bind 127.0.0.1 --directory site 8000
await_port 8080
await_port 8443
await_port 8000

for at in 10.0.2.2 '[fd00::2]'; do
    expect "curl, http, $at" "the page" "$(run -- curl -sS "http://$at:8080/")"
    expect "curl, https, $at" "the page" "$(run -- curl -sS --cacert cert.pem "https://$at:8443/")"
    expect "wget, http, $at" "the page" "$(run -- wget -q -O - "http://$at:8080/")"
    expect "wget, https, $at" "the page" "$(run -- wget -q -O - --ca-certificate=cert.pem "https://$at:8443/")"
done
run -- curl -sS -o got "http://10.0.2.2:8080/big"
expect "curl of 3 MB, status" 0 $?
expect_same_file "curl of 3 MB" site/big got
run -- curl -sS --cacert cert.pem -o got-tls "https://10.0.2.2:8443/big"
expect_same_file "curl of 3 MB over TLS" site/big got-tls
run -- wget -q -O got-wget "http://10.0.2.2:8000/big"
expect_same_file "wget of 3 MB from python's server" site/big got-wget
run -- curl -sS -T site/big "http://10.0.2.2:8080/put/up"
expect_same_file "upload of 3 MB" site/big site/put/up

# Many requests on one connection, many connections at once, and what the server says no to.
# shellcheck disable=SC2046
expect "20 requests of one curl" 20 \
    "$(run -- curl -sS $(printf 'http://10.0.2.2:8080/?%d ' $(seq 20)) | grep -c 'the page')"
expect "50 requests, 25 at a time" 50 \
    "$(run -- curl -sS --parallel --parallel-max 25 'http://10.0.2.2:8000/index.html?[1-50]' 2>/dev/null |
        grep -c 'the page')"
run -- curl -sS -f -o /dev/null http://10.0.2.2:8080/nothing 2>curl.err
expect "curl's own status for a 404" 22 $?
run -- curl -sS http://10.0.2.2:8999/ 2>curl.err
expect "curl's own status for a closed port" 7 $?
finish
