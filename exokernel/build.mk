# SPDX-License-Identifier: MIT
#
# The kernel: every .c and .S of every room, linked twice. The second link adds
# the table of function names that tools/symtab makes from the first.

KERNEL_SOURCES := $(sort $(wildcard exokernel/*.c exokernel/*.S \
    exokernel/*/*.c exokernel/*/*.S))
KERNEL_OBJECTS := $(call objects,kernel,$(KERNEL_SOURCES))
OBJECTS += $(KERNEL_OBJECTS)

KERNEL := $(BUILD)/exokernel.elf
ALL    += $(KERNEL)

KERNEL_LINK = $(CC) $(KERNEL_LDFLAGS) -Wl,-T,exokernel/kernel.ld

$(BUILD)/kernel/pass1.elf: $(KERNEL_OBJECTS) exokernel/kernel.ld
	$(Q)$(KERNEL_LINK) -o $@ $(KERNEL_OBJECTS)

$(BUILD)/kernel/symbols.S: $(BUILD)/kernel/pass1.elf tools/symtab
	$(Q)$(PYTHON) tools/symtab $< > $@

$(BUILD)/kernel/symbols.o: $(BUILD)/kernel/symbols.S
	$(Q)$(CC) $(KERNEL_CFLAGS) -c $< -o $@

$(KERNEL): $(KERNEL_OBJECTS) $(BUILD)/kernel/symbols.o exokernel/kernel.ld
	$(call say,LD,$@)
	$(Q)$(KERNEL_LINK) -o $@ $(KERNEL_OBJECTS) $(BUILD)/kernel/symbols.o

# Lines of each room and bytes of the whole.
size: $(KERNEL)
	@for room in exokernel/*/; do \
	    printf '%6d lines  %s\n' $$(find $$room -name '*.[chS]' \
	        -o -name '*.def' | xargs cat | wc -l) $$room; done
	@printf '%6d lines  %s\n' $$(cat exokernel/*.[chS] | wc -l) exokernel/
	@printf '%6d lines  all but drivers\n' $$(find exokernel -name '*.[chS]' \
	    -not -path '*/drv/*' -o -name '*.def' | xargs cat | wc -l)
	@size $(KERNEL)
