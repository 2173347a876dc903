# SPDX-License-Identifier: MIT
#
# The core of libos/exos: one relocatable object, build/newlib/lib/crt0.o, that
# begins every program. In it only POSIX' names are global, and weak, so that no
# name of a program can collide with one of the libOS; what a program does not
# use, the linker leaves out.
#
# It is built by the host's gcc (tools/exos-cc) and uses no FPU register: most
# of it may run inside an upcall, where the program's are live.

EXOS_CORE_CFLAGS := $(filter-out -std=c11,$(COMMON_CFLAGS)) -std=gnu11 \
    -D_GNU_SOURCE -Iexokernel/include -Ilibos
EXOS_HIDDEN_CFLAGS := $(EXOS_CORE_CFLAGS) -fvisibility=hidden

EXOS_HIDDEN := $(sort $(foreach room,crt upcall vm fd fs time proc,\
    $(wildcard libos/exos/$(room)/*.c libos/exos/$(room)/*.S))) $(LIBOS_LIB)
EXOS_POSIX  := $(sort $(wildcard libos/exos/posix/*.c))
EXOS_CORE   := $(call objects,exos-core,$(EXOS_HIDDEN)) \
    $(call objects,exos-posix,$(EXOS_POSIX))
OBJECTS     += $(EXOS_CORE)

$(call flavour,exos-core,EXOS_HIDDEN_CFLAGS,tools/exos-cc)
$(call flavour,exos-posix,EXOS_CORE_CFLAGS,tools/exos-cc)
$(EXOS_CORE): $(NEWLIB)/built tools/exos-cc

$(NEWLIB)/lib/crt0.o: $(EXOS_CORE)
	$(call say,LD,$@)
	$(Q)ld -r -o $@ $(EXOS_CORE)
	$(Q)objcopy --localize-hidden --wildcard --localize-symbol='upcall_*' \
	    --localize-symbol=start_open --weaken $@

ALL += $(NEWLIB)/lib/crt0.o
