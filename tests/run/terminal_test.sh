#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# On a terminal: Ctrl-C, Ctrl-Z, fg, and a shell inside do what they do without us.
. "$(dirname "$0")/lib.sh"
needs python3

command="${user[*]} $RUN --no-ladder"
talk() { python3 "$here/terminal.py" "$1"; }

expect "Ctrl-C ends the program, and its status says so" ok "$(talk "[
    ('$command -- sh -c \'echo up; exec sleep 100\'\n', r'up\r\n'),
    ('\x03', r'prompt> '),
    ('echo status=\$?\n', r'status=130'),
]")"
expect "a program that catches Ctrl-C gets it once" ok "$(talk "[
    ('$command -- bash -c \'trap \"((n++))\" INT; echo up; for i in {1..20}; do sleep 0.1; done; echo times=\$n\'\n',
     r'up\r\n'),
    ('\x03', r'times=1\r\n'),
]")"
expect "Ctrl-Z stops the job, fg continues it" ok "$(talk "[
    ('$command -- bash -c \'echo up; for i in {1..20}; do read -t 0.1; done; echo done; exit 5\'\n', r'up\r\n'),
    ('\x1a', r'Stopped'),
    ('jobs\n', r'Stopped'),
    ('fg\n', r'\ndone'),
    ('echo status=\$?\n', r'status=5'),
]")"
expect "a program that stops itself stops the job" ok "$(talk "[
    ('$command -- sh -c \'kill -STOP \$\$; echo on\'\n', r'Stopped'),
    ('fg\n', r'\non'),
]")"
expect "a shell inside has job control of its own" ok "$(talk "[
    ('PS1=\'inside> \' $command -- bash --norc --noprofile --noediting -i\n', r'\ninside> '),
    ('bash -c \'trap \"echo again\" CONT; echo up; for i in {1..100}; do sleep 0.1; done\'\n', r'up\r\n'),
    ('\x1a', r'Stopped[^>]*inside> '),
    ('fg\n', r'again\r\n'),
    ('\x03', r'inside> '),
    ('exit 4\n', r'prompt> '),
    ('echo status=\$?\n', r'status=4'),
    ('sh -c \'echo up; exec sleep 100\'\n', r'up\r\n'),
    ('\x03', r'prompt> '),
]")"
finish
