# SPDX-License-Identifier: MIT
#
# bench: the benchmark program, boot module 0 of the machines that bench/run
# starts, and the QEMU plugin that counts.

BENCH_SOURCES := $(sort $(wildcard bench/*.c bench/*.S))
BENCH_SOURCES := $(filter-out bench/insn.c,$(BENCH_SOURCES))
BENCH_PLUGIN  := $(BUILD)/bench/insn.so
ALL           += $(BENCH_PLUGIN)

$(call user-program,bench,$(BENCH_SOURCES),exo)

$(BENCH_PLUGIN): bench/insn.c bench/qemu_plugin.h
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -O2 -Wall -Wextra -Werror -shared -fPIC \
	    -fvisibility=hidden -o $@ $<

# Clients that put load on the network applications, programs of the host.
$(call native-program,load-http,bench/load/http.c bench/load/load.c)
$(call native-program,load-udp,bench/load/udp.c bench/load/load.c)
