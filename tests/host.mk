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
HOST_USER_CFLAGS := $(HOST_COMMON) -Iexokernel/include -Ilibos -Iapps -Iapps/init \
    -Itests/hosted

HOST_APPS_CFLAGS := $(HOST_COMMON) -Itests/hosted -Iapps/httpd

$(call flavour,hosted,HOST_CFLAGS)
$(call flavour,hosted-user,HOST_USER_CFLAGS)
$(call flavour,hosted-apps,HOST_APPS_CFLAGS)

# Where the kernel lies, for boot/bootinfo.c; no-pie keeps it there.
HOST_LDFLAGS := -no-pie -fsanitize=address,undefined -Wl,-z,noexecstack \
    -Wl,--defsym=kernel_image_start=0xffffffff80100000 \
    -Wl,--defsym=kernel_image_end=0xffffffff80110000

FEED  := tests/fuzz
CALLS := tests/fuzz/calls.c tests/fuzz/pick.c tests/fuzz/packets.c

# What of the kernel needs no hardware.
HOST_ROOMS  := cap page tlb env slice call revoke chan net info
HOST_KERNEL := $(filter-out exokernel/tlb/user.c, \
    $(wildcard $(HOST_ROOMS:%=exokernel/%/*.c))) \
    $(addprefix exokernel/, lock.c trap/trap.c trap/syscall.c debug/check.c \
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
$(call kernel-test,card_test,tests/unit/card_test.c)
$(call kernel-test,filter_test,tests/unit/filter_test.c)
# A libOS's own view of the kernel, and the kernel.
$(BUILD)/hosted/tests/unit/filters_test.c.o: private HOST_CFLAGS += -iquote libos
$(call host-program,filters_test,tests/unit/filters_test.c,hosted,\
    $(call objects,hosted-user,libos/lib/filters.c) $(HOST_DIR)/kernel.a)
$(call kernel-test,lock_test,tests/unit/lock_test.c)
$(call kernel-test,logic_test,tests/unit/logic_test.c)
$(call kernel-test,net_test,tests/unit/net_test.c)
$(call kernel-test,random,tests/fuzz/random.c $(CALLS))
$(call kernel-test,model,$(wildcard tests/model/*.c) $(CALLS))
NIC_TEST := $(wildcard tests/unit/nic_*.c) tests/hosted/claim.c \
    $(addprefix exokernel/, drv/nic.c drv/pci.c drv/virtq.c drv/e1000.c \
    boot/bootinfo.c boot/region.c boot/multiboot1.c boot/multiboot2.c) \
    $(wildcard exokernel/drv/virtio*.c)
$(call host-program,nic_test,$(NIC_TEST),hosted)
$(call host-program,elf_test,tests/unit/elf_test.c libos/lib/elf.c,hosted-user)
$(call host-program,manifest_test,tests/unit/manifest_test.c \
    apps/init/manifest.c apps/init/manifest_net.c apps/init/admit.c libos/lib/print.c,hosted-user)

$(call host-program,kv_test,tests/unit/kv_test.c apps/kv/store.c \
    apps/kv/protocol.c,hosted-user)

$(call host-program,inet_test,tests/unit/inet_test.c \
    libos/lib/inet.c,hosted-user)

$(call host-program,release_test,tests/unit/release_test.c \
    tests/hosted/claim.c libos/exos/vm/release.c \
    libos/exos/vm/pager.c,hosted-user)

# lwIP's own tests, with its own configuration, by the library `check`.
LWIP_TESTED := $(addprefix src/api/,api_lib api_msg err if_api netbuf netdb \
    netifapi sockets tcpip) src/apps/mdns/mdns src/apps/mqtt/mqtt \
    $(addprefix src/,$(LWIP_CORE) core/altcp core/altcp_alloc core/altcp_tcp \
    $(LWIP_IPV4) core/ipv4/autoip $(LWIP_IPV6) core/ipv6/dhcp6 netif/ethernet) \
    $(addprefix test/unit/,lwip_unittests api/test_sockets arch/sys_arch \
    core/test_def core/test_mem core/test_netif core/test_pbuf core/test_timers \
    dhcp/test_dhcp etharp/test_etharp ip4/test_ip4 ip6/test_ip6 mdns/test_mdns \
    mqtt/test_mqtt tcp/tcp_helper tcp/test_tcp_oos tcp/test_tcp udp/test_udp)
LWIP_TESTED := $(LWIP_TESTED:%=$(LWIP)/tests/%.o)

$(LWIP_TESTED): $(LWIP)/tests/%.o: $(LWIP)/unpacked
	$(call say,CC,lwip/$*)
	@mkdir -p $(@D) $(LWIP)/tests/include/arch
	@touch $(LWIP)/tests/include/config.h $(LWIP)/tests/include/arch/cc.h
	$(Q)$(CC) -O1 -g -w -DLWIP_ERRNO_STDINCLUDE -DLWIP_TIMEVAL_PRIVATE=0 \
	    -I$(LWIP)/tests/include -I$(LWIP)/src/test/unit \
	    -I$(LWIP)/src/src/include -c $(LWIP)/src/$*.c -o $@

$(HOST_DIR)/lwip: $(LWIP_TESTED)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ -lcheck_pic -lsubunit -lrt -lm -lpthread
HOST_PROGRAMS += $(HOST_DIR)/lwip

# The C library of exos, on Linux (tests/libc/linux.c is the system under it),
# and lwIP as exos has it.
ON_LINUX := $(call objects,exos,tests/libc/linux.c tests/lwip/stack.c \
    $(wildcard libos/exos/libc/*.c $(LIBOS_EXOS_NET)))
SOCK_TEST := $(call objects,exos,tests/lwip/sock.c \
    $(wildcard libos/exos/net/sock*.c))
SOCK_TEST := $(filter-out %/socket.c.o,$(SOCK_TEST))
ON_LINUX_TESTS := $(call objects,exos,tests/libc/smoke.c tests/lwip/loop.c) \
    $(SOCK_TEST)
OBJECTS += $(ON_LINUX) $(ON_LINUX_TESTS)
$(ON_LINUX) $(ON_LINUX_TESTS): $(NEWLIB)/built $(LWIP)/unpacked
$(call objects,exos,tests/libc/smoke.c): private EXOS_CFLAGS += -fno-builtin

$(HOST_DIR)/libc: $(call objects,exos,tests/libc/smoke.c)
$(HOST_DIR)/lwip_loop: $(call objects,exos,tests/lwip/loop.c)
$(HOST_DIR)/lwip_sock: $(SOCK_TEST)
$(HOST_DIR)/libc $(HOST_DIR)/lwip_loop $(HOST_DIR)/lwip_sock: $(ON_LINUX) $(NEWLIB)/lib/liblwip.a \
    libos/exos/program.ld
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)tools/exos-cc -nostdlib -o $@ $(filter %.o,$^) -llwip -lc -lm -lgcc
HOST_PROGRAMS += $(HOST_DIR)/libc $(HOST_DIR)/lwip_loop $(HOST_DIR)/lwip_sock
HTTPD_PURE := $(addprefix apps/httpd/,request.c body.c path.c range.c date.c)
$(call host-program,httpd_test,tests/unit/httpd_test.c tests/hosted/claim.c \
    $(HTTPD_PURE),hosted-apps)

# What libFuzzer drives is built by clang whatever CC is; tests/apps runs it.
REQUEST_CFLAGS := -std=c11 -O1 -g -Wall -Wextra -Werror -Iapps/httpd \
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
ALL += $(BUILD)/tests/fuzz/request
$(BUILD)/tests/fuzz/request: tests/fuzz/request.c $(HTTPD_PURE) \
    $(wildcard apps/httpd/*.h) tests/host.mk
	$(call say,CLANG,$@)
	@mkdir -p $(@D)
	$(Q)clang $(REQUEST_CFLAGS) -o $@ $(filter %.c,$^)

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

OBJECTS += $(call objects,fuzzed,$(HOST_KERNEL))
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
    apps/init/manifest_net.c apps/init/admit.c libos/lib/print.c,fuzzed-user)

.PHONY: fuzzers
fuzzers: $$(FUZZERS)

$(BUILD)/tests/host.list: tests/host.mk $(HOST_PROGRAMS)
	@printf '%s\n' $(HOST_PROGRAMS) > $@

.PHONY: unit-tests
unit-tests: $(BUILD)/tests/host.list
ALL += $(BUILD)/tests/host.list
