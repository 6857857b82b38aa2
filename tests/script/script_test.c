/* SPDX-License-Identifier: MIT */
/* script_test [--only ID] [--arcs] FILE...: the scenarios of tests/script/cases. */
#include <wavehand/rig.h>

int main(int argc, char **argv) { return wh_rig_main(argc, argv, NULL); }
