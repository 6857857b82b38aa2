# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the tests of `wavehand run` have in common. A test is a file NAME_test.sh
# that sources this one, sets things up, says what it expects, and calls
# `finish`. Sourcing it restarts the test inside network, mount and process
# namespaces of its own, so that
#
# - "the host" of a test is an empty network with nothing but loopback: ports
#   are the test's to choose, and nothing can leave the machine;
# - whatever is still alive at the end is seen by `finish`, and is a failure;
# - nothing outlives the test, even if the test itself is killed.
#
#   WAVEHAND      the command under test (required)
#   WH_TEST_USER  user that runs it; default: whoever runs the test. As anybody
#                 but root, /dev/net/tun is a device node of the test's own with
#                 mode 0666, so that nothing of root's is borrowed
#   WH_THREADS    threads that relay; default: the command's
#   WH_SLOW       factor on every time limit (sanitizers, busy machines)
#   RUN           instead of "$WAVEHAND run": another command with the same
#                 usage, such as tests/run/stand-in, to test the tests
#   CI            if set, what a test needs and does not find is a failure
#
# Status: 0 all as expected, 1 not, 77 cannot be tested here (and why).

set -u
export LC_ALL=C
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
slow=${WH_SLOW:-1}

# skip WHY: this machine cannot run the test.
skip()
{
    echo "SKIP: $1"
    [[ -z ${CI-} ]] || exit 1
    exit 77
}

# The outer half: a directory, the namespaces, and a limit on the whole test.
enter_namespaces()
{
    local status=0 options=(--net --mount --pid --ipc --fork --kill-child --mount-proc)
    [[ -n ${WAVEHAND-} ]] || { echo "WAVEHAND must name the command under test"; exit 1; }
    [[ $EUID == 0 ]] || options+=(--map-root-user)
    unshare "${options[@]}" true 2>/dev/null || skip "no namespaces to be had here (unshare ${options[*]})"
    tmp=$(mktemp -d "${TMPDIR:-/tmp}/wavehand-test.XXXXXX") || exit 1
    trap 'rm -rf "$tmp"' EXIT
    chmod 755 "$tmp"
    WH_INSIDE=1 tmp=$tmp timeout -s KILL $((${TEST_LIMIT:-120} * slow)) \
        unshare "${options[@]}" bash "$0" </dev/null || status=$?
    [[ $status != 137 ]] || echo "FAIL: the whole test took longer than $((${TEST_LIMIT:-120} * slow)) s"
    exit $status
}
[[ -n ${WH_INSIDE-} ]] || enter_namespaces

# From here on: inside.
failures=0
started=()
ip link set lo up
mount -t tmpfs -o mode=755 tmpfs "$tmp"

# The user who runs the command, and a device node for users other than root.
user=()
if [[ -n ${WH_TEST_USER-} && $WH_TEST_USER != root ]]; then
    [[ $EUID == 0 ]] || skip "only root can test as $WH_TEST_USER"
    mkdir "$tmp/dev" && mknod -m 0666 "$tmp/dev/tun" c 10 200 || skip "cannot make a device node"
    mount --bind "$tmp/dev/tun" /dev/net/tun || skip "cannot mount over /dev/net/tun"
    cp "$WAVEHAND" "$tmp/wavehand" && WAVEHAND=$tmp/wavehand # its own path may be closed to others
    user=(setpriv --reuid "$WH_TEST_USER" --regid "$(id -g "$WH_TEST_USER")" --clear-groups
        env "HOME=$tmp/work" "USER=$WH_TEST_USER")
fi
mkdir -m 1777 "$tmp/work"
cd "$tmp/work" || exit 1
RUN=${RUN:-$WAVEHAND run${WH_THREADS:+ --threads $WH_THREADS}}

# ------------------------------------------------------------- expectations

pass()
{
    echo "ok: $1"
}

fail()
{
    echo "FAIL: $1"
    failures=$((failures + 1))
}

# expect WHAT WANTED GOT
expect()
{
    if [[ $2 == "$3" ]]; then
        pass "$1"
    else
        fail "$1: wanted '$2', got '${3:0:400}'"
    fi
}

# expect_match WHAT EXTENDED-REGEX GOT
expect_match()
{
    if [[ $3 =~ $2 ]]; then
        pass "$1"
    else
        fail "$1: nothing like /$2/ in '${3:0:400}'"
    fi
}

# expect_number WHAT OPERATOR LIMIT GOT, with the operators of test(1)
expect_number()
{
    if [[ $4 =~ ^[0-9]+$ ]] && [ "$4" "$2" "$3" ]; then
        pass "$1 ($4)"
    else
        fail "$1: wanted $2 $3, got '$4'"
    fi
}

# expect_same_file WHAT FILE FILE
expect_same_file()
{
    if cmp -s "$2" "$3"; then
        pass "$1"
    else
        fail "$1: $2 ($(stat -c %s "$2") bytes) and $3 ($(stat -c %s "$3") bytes) differ"
    fi
}

# One line on standard error that begins as all our complaints do, and nothing on top of it.
# expect_complaint WHAT EXTENDED-REGEX FILE
expect_complaint()
{
    expect "$1: one line" 1 "$(wc -l <"$3")"
    expect_match "$1: says what" "^wavehand( run)?: .*($2)" "$(cat "$3")"
}

# -------------------------------------------------------------------- doing

# needs PROGRAM...: skips the test if one is missing.
needs()
{
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || skip "$program is not installed (tools/install-deps check)"
    done
}

# run [OPTION...] -- PROGRAM...: the command under test, for at most LIMIT seconds (default 30).
run()
{
    # shellcheck disable=SC2086
    timeout -k 3 $((${LIMIT:-30} * slow)) "${user[@]}" $RUN "$@"
}

# run_behind [OPTION...] -- PROGRAM...: the same in the background. $behind is what to wait for, $command
# the process of the command under test. (Unlike usual in the background, ^C is not ignored.)
run_behind()
{
    # shellcheck disable=SC2086
    env --default-signal=INT,QUIT timeout -k 3 $((${LIMIT:-30} * slow)) "${user[@]}" $RUN "$@" &
    behind=$!
    await 5 pgrep -P $behind || fail "the command does not start"
    command=$(pgrep -o -P $behind)
}

# start NAME COMMAND...: a process of the host's in the background, its output in NAME.log. $! is its id.
start()
{
    local log=$tmp/$1.log
    shift
    setsid "$@" >"$log" 2>&1 </dev/null &
    started+=($!)
}

# stop PID...: ends what start began, and what that began.
stop()
{
    local pid
    for pid in "$@"; do
        kill -TERM -- "-$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
        kill -KILL -- "-$pid" 2>/dev/null
    done
}

# await SECONDS COMMAND...: until it succeeds.
await()
{
    local tries=$(($1 * slow * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        ((tries > 0)) || return 1
        sleep 0.05
    done
}

listens()
{
    [[ -n $(ss -Hln "-$1" "sport = :$2") ]]
}

# await_port PORT [t|u]: until something on the host listens there.
await_port()
{
    await 10 listens "${2:-t}" "$1" || fail "nothing listens on port $1"
}

# Processes that neither belong to this shell's process group nor to one that `start` began, one a
# line. (`run` puts the command into a group of its own.)
strangers()
{
    local own pid group state
    own=$(ps -o pgid= -p $$)
    while read -r pid group state _; do
        [[ $group == "${own// /}" || " ${started[*]-} " == *" $group "* || $state == Z* ]] ||
            echo "$pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
    done < <(ps -e -o pid=,pgid=,stat=)
}

no_strangers()
{
    [[ -z $(strangers) ]]
}

interfaces()
{
    ip -o link show | cut -d' ' -f2 | sort | tr '\n' ' '
}

# Nothing of the command's may remain, once given a moment.
expect_nothing_left()
{
    if await 5 no_strangers; then
        pass "$1: no process left"
    else
        fail "$1: left behind: $(strangers)"
    fi
    expect "$1: no device left" "$interfaces_before" "$(interfaces)"
}
interfaces_before=$(interfaces)

# digest: SHA-256 of standard input, in hex.
digest()
{
    sha256sum | cut -d' ' -f1
}

# noise BYTES KEY: the same random-looking bytes for the same key (one digit), fast.
noise()
{
    openssl enc -aes-128-ctr -nosalt -K "000000000000000000000000000000$2$2" \
        -iv 00000000000000000000000000000000 </dev/zero 2>/dev/null | head -c "$1"
}

# build NAME FLAGS...: compiles NAME.c of this directory to $tmp/work/NAME.
build()
{
    local name=$1
    shift
    cc -O1 -std=c11 -Wall -Wextra "$@" -o "$tmp/work/$name" "$here/$name.c" ||
        fail "$name.c does not compile"
}

# The last word of every test.
finish()
{
    expect_nothing_left "end of test"
    stop "${started[@]}"
    if ((failures > 0)); then
        echo "---- $failures of this test's expectations failed; the logs of its programs:"
        tail -n 25 "$tmp"/*.log "$tmp"/work/*.log 2>/dev/null
        exit 1
    fi
    exit 0
}
