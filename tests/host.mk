# SPDX-License-Identifier: MIT
#
# The kernel's rooms as ordinary programs, and the tests that drive them:
# tests/hosted (the simulated machine), tests/unit, tests/model, tests/fuzz.
#
#   make unit-tests   build/tests/host/NAME, each to be run without arguments;
#                     build/tests/host.list names them
#   make fuzzers      build/tests/fuzz/NAME, libFuzzer programs; the same
#
# Everything is built with ASan and UBSan, by gcc or clang; the fuzzers by clang
# alone. tests/hosted/hw.h is included in front of every kernel source and has
# the guard of the kernel's.

HOST_DIR := $(BUILD)/tests/host

HOST_COMMON := -std=gnu11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror \
    -fno-common -fno-strict-aliasing -fno-omit-frame-pointer -fPIC \
    -fsanitize=address,undefined -fno-sanitize-recover=all
HOST_CFLAGS := $(HOST_COMMON) -Iexokernel -Iexokernel/include -Itests -Itests/hosted \
    -DEXO_KERNEL -DKERNEL_STACK_BYTES=8192 -include tests/hosted/hw.h
HOST_USER_CFLAGS := $(HOST_COMMON) -Iexokernel/include -Ilibos -Iapps/init

$(call flavour,hosted,HOST_CFLAGS)
$(call flavour,hosted-user,HOST_USER_CFLAGS)

# Where the kernel lies, for boot/bootinfo.c; no-pie keeps it there.
HOST_LDFLAGS := -no-pie -fsanitize=address,undefined -Wl,-z,noexecstack \
    -Wl,--defsym=kernel_image_start=0xffffffff80100000 \
    -Wl,--defsym=kernel_image_end=0xffffffff80110000

FEED  := tests/fuzz
CALLS := tests/fuzz/calls.c tests/fuzz/pick.c

# What of the kernel needs no hardware.
HOST_ROOMS  := cap page tlb env slice call revoke chan info
HOST_KERNEL := $(filter-out exokernel/tlb/user.c, \
    $(wildcard $(HOST_ROOMS:%=exokernel/%/*.c))) \
    $(addprefix exokernel/, trap/trap.c trap/syscall.c debug/check.c \
    debug/debug_sys.c debug/trace.c debug/print.c boot/alloc.c boot/region.c \
    boot/bootinfo.c boot/multiboot1.c boot/multiboot2.c drv/acpi.c \
    drv/mptable.c)
HOST_KERNEL += $(wildcard tests/hosted/*.c)
OBJECTS     += $(call objects,hosted,$(HOST_KERNEL))

$(HOST_DIR)/kernel.a: $(call objects,hosted,$(HOST_KERNEL))
	$(call say,AR,$@)
	@mkdir -p $(@D) && rm -f $@
	$(Q)ar rcs $@ $^

# $(call host-program,NAME,SOURCES,FLAVOUR,LIBRARIES)
define host-program-rules
HOST_PROGRAMS += $(HOST_DIR)/$(1)
OBJECTS += $(call objects,$(3),$(2))
$(HOST_DIR)/$(1): $(call objects,$(3),$(2)) $(4) tests/host.mk
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(HOST_LDFLAGS) -o $$@ $$(filter %.o %.a,$$^)
endef
host-program = $(eval $(call host-program-rules,$(1),$(2),$(3),$(4)))
kernel-test  = $(call host-program,$(1),$(2),hosted,$(HOST_DIR)/kernel.a)

$(call kernel-test,death_test,tests/unit/death_test.c)
$(call kernel-test,logic_test,tests/unit/logic_test.c)
$(call kernel-test,random,tests/fuzz/random.c $(CALLS))
$(call kernel-test,model,$(wildcard tests/model/*.c) $(CALLS))
$(call host-program,elf_test,tests/unit/elf_test.c libos/lib/elf.c,hosted-user)
$(call host-program,manifest_test,tests/unit/manifest_test.c \
    apps/init/manifest.c apps/init/admit.c libos/lib/print.c,hosted-user)

$(call kernel-test,boot_test,tests/unit/boot_test.c $(FEED)/feed_boot.c \
    $(FEED)/feed.c)
$(call kernel-test,firmware_test,tests/unit/firmware_test.c \
    $(FEED)/feed_firmware.c $(FEED)/feed.c)
$(call kernel-test,first_test,tests/unit/first_test.c $(FEED)/feed_first.c \
    $(FEED)/feed.c)

# The same objects once more, by clang, with what libFuzzer wants to know.
FUZZ_DIR := $(BUILD)/tests/fuzz
FUZZ_EXTRA := -fsanitize=fuzzer-no-link
FUZZ_CFLAGS      := $(HOST_CFLAGS) $(FUZZ_EXTRA)
FUZZ_USER_CFLAGS := $(HOST_USER_CFLAGS) $(FUZZ_EXTRA)
$(call flavour,fuzzed,FUZZ_CFLAGS)
$(call flavour,fuzzed-user,FUZZ_USER_CFLAGS)
$(BUILD)/fuzzed/% $(BUILD)/fuzzed-user/% $(FUZZ_DIR)/%: CC := clang

$(FUZZ_DIR)/kernel.a: $(call objects,fuzzed,$(HOST_KERNEL))
	$(call say,AR,$@)
	@mkdir -p $(@D) && rm -f $@
	$(Q)ar rcs $@ $^

# $(call fuzzer,NAME,SOURCES,FLAVOUR,LIBRARIES)
define fuzzer-rules
FUZZERS += $(FUZZ_DIR)/$(1)
OBJECTS += $(call objects,$(3),$(2) $(FEED)/feed.c $(FEED)/fuzz.c)
$(FUZZ_DIR)/$(1): $(call objects,$(3),$(2) $(FEED)/feed.c $(FEED)/fuzz.c) $(4) \
    tests/host.mk
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(HOST_LDFLAGS) -fsanitize=fuzzer -o $$@ $$(filter %.o %.a,$$^)
endef
fuzzer = $(eval $(call fuzzer-rules,$(1),$(2),$(3),$(4)))
kernel-fuzzer = $(call fuzzer,$(1),$(2),fuzzed,$(FUZZ_DIR)/kernel.a)

$(call kernel-fuzzer,boot,$(FEED)/feed_boot.c)
$(call kernel-fuzzer,firmware,$(FEED)/feed_firmware.c)
$(call kernel-fuzzer,first,$(FEED)/feed_first.c)
$(call kernel-fuzzer,calls,$(FEED)/feed_calls.c $(CALLS))
$(call fuzzer,elf,$(FEED)/feed_elf.c libos/lib/elf.c,fuzzed-user)
$(call fuzzer,manifest,$(FEED)/feed_manifest.c apps/init/manifest.c \
    apps/init/admit.c libos/lib/print.c,fuzzed-user)

.PHONY: fuzzers
fuzzers: $$(FUZZERS)

$(BUILD)/tests/host.list: tests/host.mk $(HOST_PROGRAMS)
	@printf '%s\n' $(HOST_PROGRAMS) > $@

.PHONY: unit-tests
unit-tests: $(BUILD)/tests/host.list
ALL += $(BUILD)/tests/host.list
