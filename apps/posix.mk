# SPDX-License-Identifier: MIT
#
# Programs in plain POSIX: the same source for libos/exos and for the host.
#
#   build/native/NAME       for the host, with its own C library
#   build/native-san/NAME   the same with ASan and UBSan, for the tests
#
# A program uses what POSIX.1-2008 has, epoll and sendfile, and nothing else.

POSIX_PROGRAMS     := httpd httpsmall echo fetch kv-posix hello-exos
httpd_SOURCES      := $(filter-out apps/httpd/status_%.c,\
    $(sort $(wildcard apps/httpd/*.c)))
fetch_SOURCES      := $(sort $(wildcard apps/fetch/*.c))
echo_SOURCES       := apps/echo.c
httpsmall_SOURCES  := apps/httpsmall.c
kv-posix_SOURCES   := apps/kv/posix.c $(KV_SHARED)
hello-exos_SOURCES := apps/hello-exos.c

NATIVE_CFLAGS := -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -g -Wall -Wextra \
    -Werror -Wmissing-prototypes -Wstrict-prototypes -Wvla -fno-common
NATIVE_SANITIZERS  := -fsanitize=address,undefined -fno-sanitize-recover=all
NATIVE_SAN_CFLAGS  := $(NATIVE_CFLAGS) -O1 -fno-omit-frame-pointer \
    $(NATIVE_SANITIZERS)
NATIVE_LDFLAGS     :=
NATIVE_SAN_LDFLAGS := $(NATIVE_SANITIZERS)

$(call flavour,native,NATIVE_CFLAGS)
$(call flavour,native-san,NATIVE_SAN_CFLAGS)

# $(call native-program,NAME,SOURCES): both builds of a program for the host.
define native-program-rules
ALL     += $(BUILD)/$(3)/$(1)
OBJECTS += $(call objects,$(3),$(2))
$(BUILD)/$(3)/$(1): $(call objects,$(3),$(2))
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$($(4)) -o $$@ $$^
endef
native-program = \
    $(eval $(call native-program-rules,$(1),$(2),native,NATIVE_LDFLAGS)) \
    $(eval $(call native-program-rules,$(1),$(2),native-san,NATIVE_SAN_LDFLAGS))

$(foreach p,$(filter-out httpd,$(POSIX_PROGRAMS)),\
    $(call native-program,$(p),$($(p)_SOURCES)))
$(call native-program,httpd,$(httpd_SOURCES) apps/httpd/status_linux.c)

$(foreach p,$(filter-out httpd,$(POSIX_PROGRAMS)),\
    $(call exos-program,$(p),$($(p)_SOURCES)))
$(call exos-program,httpd,$(httpd_SOURCES) apps/httpd/status_exo.c)
$(BUILD)/exos-app/apps/httpd/status_exo.c.o: \
    private EXOS_APP_CFLAGS += -Iexokernel/include

# What kv-posix shares with kv names the standard's functions on bytes in
# lib/string.h, since kv has no C library.
$(call objects,native,$(KV_SHARED)): private NATIVE_CFLAGS += -iquote libos
$(call objects,native-san,$(KV_SHARED)): \
    private NATIVE_SAN_CFLAGS += -iquote libos
$(call objects,exos-app,$(KV_SHARED)): \
    private EXOS_APP_CFLAGS += -iquote libos
