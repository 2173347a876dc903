# SPDX-License-Identifier: MIT
#
# Test programs on the bare ABI: build/tests/ROOM/NAME from each
# tests/kernel/*.c, tests/attack/*.c and tests/net/*.c, with tests/lib and nothing
# of a libOS.

TEST_CFLAGS := $(COMMON_CFLAGS) -Iexokernel/include -Itests/lib \
    -fno-stack-protector
comma        := ,
TEST_LDFLAGS := $(filter-out -Wl$(comma)-T%,$(USER_LDFLAGS)) \
    -Wl,-T,tests/lib/test.ld

$(call flavour,tests/objects,TEST_CFLAGS)

TEST_LIB     := $(call objects,tests/objects,$(sort \
    $(wildcard tests/lib/*.c tests/lib/*.S)))
TEST_SOURCES := $(sort $(wildcard tests/kernel/*.c tests/attack/*.c \
    tests/net/*.c))
TEST_IMAGES  := $(TEST_SOURCES:tests/%.c=$(BUILD)/tests/%)
ALL          += $(TEST_IMAGES)
OBJECTS      += $(TEST_LIB) $(call objects,tests/objects,$(TEST_SOURCES))

$(TEST_IMAGES): $(BUILD)/tests/%: $(BUILD)/tests/objects/tests/%.c.o \
    $(TEST_LIB) tests/lib/test.ld
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TEST_LDFLAGS) -o $@ $(filter %.o,$^)

# Programs on libos/minimal, for tests of whole machines.
$(foreach program,jit spoofer,\
    $(call user-program,$(program),tests/minimal/$(program).c,minimal exo))

include tests/exos.mk tests/ports.mk
include tests/host.mk
