# SPDX-License-Identifier: MIT
#
# Programs of others, unchanged, built for exos as anybody would build them:
# build/ports/lua, zlib and fuzzcheck. tests/exos/test_ports.py runs them.

PORTS := $(BUILD)/ports

$(PORTS)/%/unpacked: third_party/%/source.toml tools/fetch
	$(Q)tools/fetch $* --to $(@D)/src
	@touch $@

$(PORTS)/lua/lua: $(PORTS)/lua/unpacked $(EXOS) libos/exos/program.ld
	$(call say,CC,$@)
	$(Q)tools/exos-cc -O2 -DLUA_COMPAT_5_3 -DLUA_USE_POSIX -o $@ \
	    $$(ls $(PORTS)/lua/src/src/*.c | grep -v luac.c)

$(PORTS)/zlib/example: $(PORTS)/zlib/unpacked $(EXOS) libos/exos/program.ld
	$(call say,CC,$@)
	$(Q)cd $(PORTS)/zlib/src && $(CURDIR)/tools/exos-cc -O2 -I. \
	    -DHAVE_UNISTD_H -DHAVE_STDARG_H -o $(CURDIR)/$@ test/example.c *.c

$(PORTS)/sqlite/fuzzcheck: $(PORTS)/sqlite/unpacked $(EXOS) \
    libos/exos/program.ld
	$(call say,CC,$@)
	$(Q)cd $(PORTS)/sqlite/src && { ./configure --disable-tcl && \
	    $(MAKE) MAKEFLAGS= sqlite3.c shell.c; } > ../log 2>&1 || \
	    { tail -n 20 ../log; echo 'sqlite: configuring failed' >&2; exit 1; }
	$(Q)cd $(PORTS)/sqlite/src && $(CURDIR)/tools/exos-cc -O1 -I. \
	    -Iext/recover -DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION \
	    -DSQLITE_ENABLE_DESERIALIZE -DSQLITE_OSS_FUZZ -o $(CURDIR)/$@ \
	    sqlite3.c test/fuzzcheck.c test/fuzzinvariants.c test/ossfuzz.c \
	    test/vt02.c ext/recover/sqlite3recover.c ext/recover/dbdata.c
	@mkdir -p $(@D)/files && cp $(@D)/src/test/fuzzdata3.db $(@D)/files

.SECONDARY: $(foreach port,lua zlib sqlite,$(PORTS)/$(port)/unpacked)
ALL += $(PORTS)/lua/lua $(PORTS)/zlib/example $(PORTS)/sqlite/fuzzcheck
