# SPDX-License-Identifier: MIT
#
# libos/exos: newlib as its C library, and lwIP.
#
#   build/newlib/       src/ as fetched and patched, include/ and lib/
#   build/lwip/         src/, liblwip.a

# newlib is built by the host's gcc whatever CC is. Once, and again when what
# it is made from changes: its definition and patches, the headers that stand
# in for its own, the compiler driver, or this file.
NEWLIB        := $(BUILD)/newlib
NEWLIB_SOURCE := $(wildcard third_party/newlib/*) tools/exos-cc \
    $(shell find libos/exos/newlib -name '*.h') libos/exos/build.mk
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

$(NEWLIB)/built: $(NEWLIB_SOURCE) tools/fetch
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

ALL += $(NEWLIB)/built
