# SPDX-License-Identifier: MIT
"""What tests/run is made of.

main    the command line, building, running jobs side by side, the last line
plan    which jobs there are: images and host programs, on which machines
jobs    the kinds of jobs, and how each turns what it sees into results
report  results as lines, counted
"""
