# SPDX-License-Identifier: MIT
#
# apps: init and the demonstrations, each on libos/minimal; posix.mk has those
# in plain POSIX.

$(foreach app,hello spinner crasher cruncher pager netd,\
    $(call user-program,$(app),apps/$(app).c,minimal exo))
$(foreach app,pingpong stride,\
    $(call user-program,$(app),apps/$(app).c apps/own_cpu.c,minimal exo))
$(foreach app,hoarder miser,\
    $(call user-program,$(app),apps/$(app).c apps/greed.c,minimal exo))
KV_SHARED := apps/kv/protocol.c apps/kv/store.c
$(call user-program,kv,apps/kv/main.c $(KV_SHARED),minimal exo)
$(call user-program,init,$(sort $(wildcard apps/init/*.c)),minimal exo)

include apps/posix.mk

# Programs on libos/exos, see posix.mk.
