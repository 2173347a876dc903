# SPDX-License-Identifier: MIT
#
# Claims about exos: build/tests/exos/NAME from each tests/exos/NAME.c, and the
# same sources as programs of this system, build/tests/host/posix-NAME.

EXOS_TESTS := $(filter-out test,$(patsubst tests/exos/%.c,%,\
    $(wildcard tests/exos/*.c)))
EXOS_TEST_OBJECTS := $(call objects,exos-app,$(wildcard tests/exos/*.c))
OBJECTS += $(EXOS_TEST_OBJECTS)
ALL     += $(EXOS_TESTS:%=$(BUILD)/tests/exos/%)

$(EXOS_TEST_OBJECTS): $(NEWLIB)/built

$(EXOS_TESTS:%=$(BUILD)/tests/exos/%): $(BUILD)/tests/exos/%: \
    $(BUILD)/exos-app/tests/exos/%.c.o $(BUILD)/exos-app/tests/exos/test.c.o \
    $(EXOS) libos/exos/program.ld
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)tools/exos-cc -o $@ $(filter $(BUILD)/exos-app/%,$^)

# Programs without claims, for tests of whole machines.
EXOS_PROGRAMS := $(patsubst tests/exos/programs/%.c,%,\
    $(wildcard tests/exos/programs/*.c))
EXOS_PROGRAM_OBJECTS := \
    $(EXOS_PROGRAMS:%=$(BUILD)/exos-app/tests/exos/programs/%.c.o)
OBJECTS += $(EXOS_PROGRAM_OBJECTS)
ALL     += $(EXOS_PROGRAMS:%=$(BUILD)/tests/exos/programs/%)

$(EXOS_PROGRAM_OBJECTS): $(NEWLIB)/built

$(EXOS_PROGRAMS:%=$(BUILD)/tests/exos/programs/%): \
    $(BUILD)/tests/exos/programs/%: \
    $(BUILD)/exos-app/tests/exos/programs/%.c.o $(EXOS) libos/exos/program.ld
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)tools/exos-cc -o $@ $(filter $(BUILD)/exos-app/%,$^)

EXOS_NATIVE_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror
$(call flavour,native-test,EXOS_NATIVE_CFLAGS)

EXOS_NATIVE_OBJECTS := $(call objects,native-test,$(wildcard tests/exos/*.c))
OBJECTS += $(EXOS_NATIVE_OBJECTS)

$(EXOS_TESTS:%=$(BUILD)/tests/host/posix-%): $(BUILD)/tests/host/posix-%: \
    $(BUILD)/native-test/tests/exos/%.c.o \
    $(BUILD)/native-test/tests/exos/test.c.o
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ -lm
HOST_PROGRAMS += $(EXOS_TESTS:%=$(BUILD)/tests/host/posix-%)
