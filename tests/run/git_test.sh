#!/bin/bash
# SPDX-License-Identifier: MIT
# git clone and push through a local git daemon.
. "$(dirname "$0")/lib.sh"
needs git

export GIT_CONFIG_GLOBAL=$PWD/gitconfig HOME=$PWD
git config --global user.name "A Tester"
git config --global user.email tester@example.invalid
git config --global init.defaultBranch main
git config --global safe.directory '*'
chmod 644 gitconfig
git init -q origin.work
for i in 1 2 3; do
    noise $((i * 700000)) "$i" >"origin.work/file$i"
    git -C origin.work add . && git -C origin.work commit -q -m "commit $i"
done
git clone -q --bare origin.work repos/it.git
start daemon git daemon --base-path=repos --export-all --enable=receive-pack --listen=127.0.0.1 --port=9418 --reuseaddr
await_port 9418

run -- git clone -q git://10.0.2.2/it.git copy 2>clone.log
expect "clone, status" 0 $?
expect "clone, the same commit" "$(git -C origin.work rev-parse HEAD)" "$(git -C copy rev-parse HEAD)"
run -- git -C copy fsck --full >fsck.log 2>&1
expect "clone, nothing broken" 0 $?
expect_same_file "clone, the same file" origin.work/file3 copy/file3
run -- git ls-remote git://10.0.2.2/none.git >ls.log 2>&1
expect "a repository that is not there" 128 $?
finish
