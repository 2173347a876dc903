# SPDX-License-Identifier: MIT
#
# libos/exos, and what it stands on: newlib as its C library, and lwIP. All of
# it is for tools/exos-cc, which finds the libraries in build/newlib/lib.
#
#   build/newlib/       src/ as fetched and patched, include/ and lib/
#   build/lwip/         src/, and objects for exos and for lwIP's own tests

# newlib is built by the host's gcc whatever CC is. Once, and again when what
# it is made from changes: its definition and patches, the headers that stand
# in for its own, the compiler driver, or the options here.
NEWLIB        := $(BUILD)/newlib
NEWLIB_SOURCE := $(wildcard third_party/newlib/*) tools/exos-cc \
    $(shell find libos/exos/newlib -name '*.h')
NEWLIB_CFLAGS := -O2 -g -ffile-prefix-map=$(CURDIR)/=

NEWLIB_OPTIONS := --disable-multilib --disable-shared --disable-libgloss \
    --disable-newlib-supplied-syscalls --enable-newlib-io-long-long \
    --enable-newlib-io-long-double --enable-newlib-io-c99-formats \
    --enable-newlib-io-pos-args --enable-newlib-mb --enable-newlib-iconv \
    --enable-newlib-multithread --enable-newlib-retargetable-locking \
    --enable-newlib-reent-check-verify --enable-newlib-register-fini \
    --enable-newlib-long-time_t --disable-newlib-unbuf-stream-opt

# In an environment of its own: neither options of this make nor the user's
# CFLAGS are for newlib.
NEWLIB_ENV := env -i PATH="$$PATH" HOME="$$HOME" LC_ALL=C MAKEINFO=true \
    CC_FOR_TARGET="$(CURDIR)/tools/exos-cc -nostdlib" AR_FOR_TARGET=ar \
    RANLIB_FOR_TARGET=ranlib AS_FOR_TARGET=as LD_FOR_TARGET=ld \
    NM_FOR_TARGET=nm CFLAGS_FOR_TARGET="$(NEWLIB_CFLAGS)"

# Members that libos/exos does better or in another way.
NEWLIB_WITHOUT := execve lock pread pwrite rename

NEWLIB_SETTINGS = $(NEWLIB_OPTIONS) $(NEWLIB_CFLAGS) $(NEWLIB_WITHOUT)

$(NEWLIB).flags: FORCE
	@mkdir -p $(@D)
	@echo '$(NEWLIB_SETTINGS)' | cmp -s - $@ || \
	    echo '$(NEWLIB_SETTINGS)' > $@

$(NEWLIB)/built: $(NEWLIB_SOURCE) $(NEWLIB).flags
	@rm -rf $(NEWLIB) && mkdir -p $(NEWLIB)/obj $(NEWLIB)/lib
	$(Q)tools/fetch newlib --to $(NEWLIB)/src
	@printf '%-6s %s\n' BUILD 'newlib (takes about a minute)'
	$(Q)( cd $(NEWLIB)/obj && \
	    $(NEWLIB_ENV) ../src/configure --target=x86_64-exos \
	        --prefix=$(CURDIR)/$(NEWLIB)/installed $(NEWLIB_OPTIONS) && \
	    $(NEWLIB_ENV) make -j$$(nproc) all-target-newlib && \
	    $(NEWLIB_ENV) make install-target-newlib ) > $(NEWLIB)/log 2>&1 || \
	    { tail -n 20 $(NEWLIB)/log; \
	    echo 'newlib: that failed; see $(NEWLIB)/log' >&2; exit 1; }
	$(Q)cd $(NEWLIB) && mv installed/x86_64-exos/include . && \
	    rm include/stdatomic.h && \
	    mv installed/x86_64-exos/lib/lib[cm].a lib && \
	    ar d lib/libc.a $(NEWLIB_WITHOUT:%=lib_a-%.o) && \
	    for name in pthread rt dl util; do ar rc lib/lib$$name.a; done && \
	    rm -rf installed obj
	@touch $@

# lwIP without its threads and sockets, with libos/exos/net/lwipopts.h.
LWIP        := $(BUILD)/lwip
EXOS_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE \
    -ffile-prefix-map=$(CURDIR)=. -ffunction-sections -fdata-sections \
    -Ilibos -Ilibos/exos/net -I$(LWIP)/src/src/include
LWIP_CORE   := $(addprefix core/,def dns inet_chksum init ip mem memp netif \
    pbuf raw stats sys tcp tcp_in tcp_out timeouts udp)
LWIP_IPV4   := $(addprefix core/ipv4/,dhcp etharp icmp igmp ip4 ip4_addr \
    ip4_frag)
LWIP_IPV6   := $(addprefix core/ipv6/,ethip6 icmp6 inet6 ip6 ip6_addr \
    ip6_frag mld6 nd6)
LWIP_PARTS  := $(LWIP_CORE) $(LWIP_IPV4) $(LWIP_IPV6) netif/ethernet
LWIP_OBJECTS := $(LWIP_PARTS:%=$(LWIP)/exos/%.o)
OBJECTS      += $(LWIP_OBJECTS)

$(LWIP)/unpacked: $(wildcard third_party/lwip/*) tools/fetch
	$(Q)tools/fetch lwip --to $(LWIP)/src
	@touch $@

$(LWIP)/exos/%.o: $(LWIP)/unpacked $(NEWLIB)/built $(BUILD)/exos/flags
	$(call say,CC,lwip/$*)
	@mkdir -p $(@D)
	$(Q)tools/exos-cc $(filter-out -Werror,$(EXOS_CFLAGS)) -MD -MP \
	    -c $(LWIP)/src/src/$*.c -o $@

# What lwIP calls; the rest of the room is in the core (core.mk).
LIBOS_EXOS_NET := $(addprefix libos/exos/net/,memory.c sequence.c connections.c)

# What libos/exos itself has, for now the gaps of the C library.
LIBOS_EXOS := $(sort $(wildcard libos/exos/libc/*.c $(LIBOS_EXOS_NET)))
OBJECTS    += $(call objects,exos,$(LIBOS_EXOS))

$(call flavour,exos,EXOS_CFLAGS,tools/exos-cc)
$(call objects,exos,$(LIBOS_EXOS)): $(NEWLIB)/built $(LWIP)/unpacked

$(NEWLIB)/lib/liblwip.a: $(LWIP_OBJECTS)
$(NEWLIB)/lib/libexos.a: $(call objects,exos,$(LIBOS_EXOS))
$(NEWLIB)/lib/liblwip.a $(NEWLIB)/lib/libexos.a:
	$(call say,AR,$@)
	@rm -f $@
	$(Q)ar rcs $@ $^

# Everything that tools/exos-cc takes.
EXOS := $(NEWLIB)/built $(NEWLIB)/lib/liblwip.a $(NEWLIB)/lib/libexos.a \
    $(NEWLIB)/lib/crt0.o
ALL  += $(EXOS)
