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
    -D_GNU_SOURCE -Iexokernel/include -Ilibos -Ilibos/exos/net \
    -I$(LWIP)/src/src/include
# A C library is there, and small copies are to be placed without a call. The
# other part stays freestanding: what it defines is that library.
EXOS_HIDDEN_CFLAGS := $(filter-out -ffreestanding,$(EXOS_CORE_CFLAGS)) \
    -fvisibility=hidden

EXOS_HIDDEN := $(sort $(foreach room,crt upcall vm fd fs time proc net,\
    $(wildcard libos/exos/$(room)/*.c libos/exos/$(room)/*.S))) $(LIBOS_LIB)
EXOS_HIDDEN := $(filter-out $(LIBOS_EXOS_NET),$(EXOS_HIDDEN))
EXOS_POSIX  := $(sort $(wildcard libos/exos/posix/*.c))
EXOS_CORE   := $(call objects,exos-core,$(EXOS_HIDDEN)) \
    $(call objects,exos-posix,$(EXOS_POSIX))
OBJECTS     += $(EXOS_CORE)

$(call flavour,exos-core,EXOS_HIDDEN_CFLAGS,tools/exos-cc)
$(call flavour,exos-posix,EXOS_CORE_CFLAGS,tools/exos-cc)
$(EXOS_CORE): $(NEWLIB)/built $(LWIP)/unpacked tools/exos-cc

$(NEWLIB)/lib/crt0.o: $(EXOS_CORE) libos/exos/core.mk
	$(call say,LD,$@)
	$(Q)ld -r -o $@ $(EXOS_CORE)
	$(Q)objcopy --localize-hidden --wildcard --localize-symbol='upcall_*' \
	    --localize-symbol=start_open $@
	$(Q)nm -g --defined-only -P $@ | cut -d' ' -f1 > $@.names
	$(Q)objcopy --weaken-symbols=$@.names $@

# $(call exos-program,NAME,SOURCES): build/apps/NAME, and with all debug
# information build/debug/NAME.
EXOS_APP_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror \
    -ffile-prefix-map=$(CURDIR)/= -ffunction-sections -fdata-sections

$(call flavour,exos-app,EXOS_APP_CFLAGS,tools/exos-cc)

define exos-program-rules
ALL += $(BUILD)/apps/$(1)
OBJECTS += $(call objects,exos-app,$(2))
$(call objects,exos-app,$(2)): $(NEWLIB)/built
$(BUILD)/debug/$(1): $(call objects,exos-app,$(2)) $(EXOS) \
    libos/exos/program.ld
	$$(call say,LD,$(BUILD)/apps/$(1))
	@mkdir -p $$(@D)
	$$(Q)tools/exos-cc -o $$@ $$(filter $(BUILD)/exos-app/%,$$^)
$(BUILD)/apps/$(1): $(BUILD)/debug/$(1)
	@mkdir -p $$(@D)
	$$(Q)objcopy --strip-debug $$< $$@
endef
exos-program = $(eval $(call exos-program-rules,$(1),$(2)))
