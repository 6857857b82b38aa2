#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# documented_test.sh PAGE PROGRAM...
#
# Every scenario and order that a program lists stands on the page, word for word.
set -euo pipefail
page=$1
shift
missing=0
for program in "$@"; do
    while IFS= read -r title; do
        if ! grep -qxF -- "- $title" "$page"; then
            echo "$page does not name: $title"
            missing=1
        fi
    done < <("$program" --list)
done
exit $missing
