# SPDX-License-Identifier: MIT
#
# The only Makefile. Every part has a build.mk beside its sources, included
# below; all output goes to build/.
#
#   make            the kernel and every application     make CC=clang  with clang
#   make run        start the demonstration machine      make SAN=1     kernel with
#   make test       prove it                                            UBSan, KASAN
#   make bench      measure it                           make V=1       show commands
#   make load       200,000 requests to httpd            make lint docs size clean
#
# A build.mk uses these:
#   $(call flavour,NAME,FLAGS,COMPILER)  build/NAME/%.c.o and %.S.o from the
#                                        sources with $(FLAGS), a variable's
#                                        name, by $(CC) or another compiler
#   $(call user-library,NAME,SOURCES)    build/lib/NAME.a
#   $(call user-program,NAME,SOURCES,LIBRARIES)  build/apps/NAME
#   ALL += FILE                          what plain `make` builds

.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.PHONY: all run test load bench lint docs size setup clean FORCE
all:

ifeq ($(origin CC),default)
CC := gcc
endif
PYTHON ?= python3
BUILD  := build
Q      := $(if $(V),,@)
say     = @printf '%-6s %s\n' $(1) $(2)

# Flags. "common" is what every freestanding object wants.
COMMON_CFLAGS := -std=c11 -O2 -g -Wall -Wextra -Werror \
    -Wmissing-prototypes -Wstrict-prototypes -Wvla \
    -ffreestanding -fno-pic -fno-pie -fcf-protection=none \
    -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-common \
    -ffunction-sections -fdata-sections -mgeneral-regs-only

KERNEL_CFLAGS := $(COMMON_CFLAGS) -Iexokernel -Iexokernel/include \
    -mcmodel=kernel -mno-red-zone \
    -fstack-protector-strong -mstack-protector-guard=global \
    -DEXO_KERNEL -DKERNEL_STACK_BYTES=$(if $(SAN),28672,8192)
KERNEL_LDFLAGS := -nostdlib -static -Wl,-z,max-page-size=4096 \
    -Wl,-z,noexecstack -Wl,--build-id=none -Wl,--gc-sections \
    -Wl,--fatal-warnings

# Programs on libos/minimal: no FPU, no libc, static; libos/program.ld.
USER_CFLAGS := $(COMMON_CFLAGS) -Iexokernel/include -Ilibos \
    -fno-stack-protector
USER_LDFLAGS := -nostdlib -static -Wl,-z,max-page-size=4096 \
    -Wl,-z,noexecstack -Wl,--build-id=none -Wl,--gc-sections \
    -Wl,--fatal-warnings -Wl,-T,libos/program.ld

# $(call flavour,NAME,FLAGS,COMPILER): a directory of objects, all rebuilt when
# the compiler or the flags change.
define flavour-rules
$(BUILD)/$(1)/flags: FORCE
	@mkdir -p $$(@D)
	@echo '$(3) $$($(2))' | cmp -s - $$@ || echo '$(3) $$($(2))' > $$@
$(BUILD)/$(1)/%.c.o: %.c $(BUILD)/$(1)/flags
	$$(call say,CC,$$<)
	@mkdir -p $$(@D)
	$$(Q)$(3) $$($(2)) -MD -MP -c $$< -o $$@
$(BUILD)/$(1)/%.S.o: %.S $(BUILD)/$(1)/flags
	$$(call say,AS,$$<)
	@mkdir -p $$(@D)
	$$(Q)$(3) $$($(2)) -MD -MP -c $$< -o $$@
endef
flavour = $(eval $(call flavour-rules,$(1),$(2),$(or $(3),$$(CC))))

# $(call objects,FLAVOUR,SOURCES)
objects = $(patsubst %,$(BUILD)/$(1)/%.o,$(2))

define user-library-rules
OBJECTS += $(call objects,user,$(2))
$(BUILD)/lib/$(1).a: $(call objects,user,$(2))
	$$(call say,AR,$$@)
	@mkdir -p $$(@D) && rm -f $$@
	$$(Q)ar rcs $$@ $$^
endef
user-library = $(eval $(call user-library-rules,$(1),$(2)))

# Linked with all debug information as build/debug/NAME, for gdb; what is loaded
# keeps only the names of its functions, for backtraces.
define user-program-rules
ALL += $(BUILD)/apps/$(1)
OBJECTS += $(call objects,user,$(2))
$(BUILD)/debug/$(1): $(call objects,user,$(2)) $(3:%=$(BUILD)/lib/%.a) \
    $(BUILD)/user/flags libos/program.ld
	$$(call say,LD,$(BUILD)/apps/$(1))
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(USER_LDFLAGS) -o $$@ -Wl,--start-group \
	    $$(filter %.o %.a,$$^) -Wl,--end-group
$(BUILD)/apps/$(1): $(BUILD)/debug/$(1)
	@mkdir -p $$(@D)
	$$(Q)objcopy --strip-debug $$< $$@
endef
user-program = $(eval $(call user-program-rules,$(1),$(2),$(3)))

$(call flavour,user,USER_CFLAGS)

-include exokernel/build.mk libos/lib/build.mk libos/minimal/build.mk \
    libos/exos/build.mk libos/exos/core.mk
-include apps/build.mk tests/build.mk bench/build.mk

all: $$(ALL)

# Each of these installs what is missing, builds, and hands over.
setup:
	@tools/setup
run: COMMAND := ./exo up demo
test: COMMAND := tests/run
load: COMMAND := tests/load
bench: COMMAND := bench/run
run test load bench: setup
	@$(MAKE) --no-print-directory all
	@$(COMMAND)
lint docs: setup
	@tools/$@

clean:
	rm -rf build

FORCE:
-include $(OBJECTS:.o=.d)
