# SPDX-License-Identifier: MIT
#
# The kernel: every .c and .S of every room, linked twice. The second link adds
# the table of function names that tools/symtab makes from the first.

# SAN=1 makes build/san/exokernel.elf with KASAN and UBSan instead; the rooms its
# reports go through are built without.

KERNEL_DIR    := $(if $(SAN),san,kernel)
KERNEL        := $(BUILD)/$(if $(SAN),san/)exokernel.elf
KERNEL_LDFILE := exokernel/kernel.ld
ALL           += $(KERNEL)

KERNEL_SOURCES := $(filter-out %/sanitize$(if $(SAN),_none).c, \
    $(sort $(wildcard exokernel/*.c exokernel/*.S exokernel/*/*.c \
    exokernel/*/*.S)))
KERNEL_OBJECTS := $(call objects,$(KERNEL_DIR),$(KERNEL_SOURCES))
OBJECTS        += $(KERNEL_OBJECTS)

$(call flavour,$(KERNEL_DIR),KERNEL_CFLAGS)

SHADOW_OFFSET := 0xdfffffff90800000
SAN_CFLAGS := -fsanitize=undefined,kernel-address -fno-sanitize=alignment
ifneq ($(findstring clang,$(CC)),)
SAN_CFLAGS += -mllvm -asan-mapping-offset=$(SHADOW_OFFSET) \
    -mllvm -asan-stack=1 -mllvm -asan-globals=1 \
    -mllvm -asan-instrumentation-with-call-threshold=0
else
SAN_CFLAGS += -fasan-shadow-offset=$(SHADOW_OFFSET) --param asan-stack=1 \
    --param asan-globals=1 --param asan-instrumentation-with-call-threshold=0
endif
ifdef SAN
SAN_OBJECTS := $(filter-out %.S.o $(call objects,san,$(addprefix exokernel/, \
    debug/sanitize.c debug/panic.c debug/print.c debug/symbols.c \
    debug/canary.c lib/string.c drv/uart.c drv/power.c)),$(KERNEL_OBJECTS))
$(SAN_OBJECTS): private KERNEL_CFLAGS += $(SAN_CFLAGS)
KERNEL_LDFLAGS += -Wl,--defsym=sanitize=1 -Wl,--wrap=memcpy \
    -Wl,--wrap=memmove -Wl,--wrap=memset
endif

KERNEL_LINK = $(CC) $(KERNEL_LDFLAGS) -Wl,-T,$(KERNEL_LDFILE)

$(BUILD)/$(KERNEL_DIR)/pass1.elf: $(KERNEL_OBJECTS) $(KERNEL_LDFILE)
	$(Q)$(KERNEL_LINK) -o $@ $(KERNEL_OBJECTS)

$(BUILD)/$(KERNEL_DIR)/symbols.S: $(BUILD)/$(KERNEL_DIR)/pass1.elf tools/symtab
	$(Q)$(PYTHON) tools/symtab $< > $@

$(BUILD)/$(KERNEL_DIR)/symbols.o: $(BUILD)/$(KERNEL_DIR)/symbols.S
	$(Q)$(CC) $(KERNEL_CFLAGS) -c $< -o $@

$(KERNEL): $(KERNEL_OBJECTS) $(BUILD)/$(KERNEL_DIR)/symbols.o $(KERNEL_LDFILE)
	$(call say,LD,$@)
	$(Q)$(KERNEL_LINK) -o $@ $(KERNEL_OBJECTS) $(BUILD)/$(KERNEL_DIR)/symbols.o

# Lines of each room and bytes of the whole.
size: $(KERNEL)
	@for room in exokernel/*/; do \
	    printf '%6d lines  %s\n' $$(find $$room -name '*.[chS]' \
	        -o -name '*.def' | xargs cat | wc -l) $$room; done
	@printf '%6d lines  %s\n' $$(cat exokernel/*.[chS] | wc -l) exokernel/
	@printf '%6d lines  all but drivers\n' $$(find exokernel -name '*.[chS]' \
	    -not -path '*/drv/*' -o -name '*.def' | xargs cat | wc -l)
	@size $(KERNEL)
