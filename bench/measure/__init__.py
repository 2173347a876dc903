# SPDX-License-Identifier: MIT
"""What bench/run is made of: one module for each kind of figure.

counting  machines that count instructions, and their rows
rows      the benchmarks by name, and what they should cost
boot      from power-on to the first program
size      lines, bytes and pages
memory    the least memory, and how many programs fit
lock      how long the kernel lock is held
packets   frames through rings, card and filters
servers   machines that serve a network, and their clients
net       servers under load, and the same on a Linux guest
linux     the rows for a Linux guest
profile   which kernel functions a row spends its instructions in
report    lines for people and scripts, and build/bench.json
"""
