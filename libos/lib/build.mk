# SPDX-License-Identifier: MIT
#
# libos/lib: what libOSes share. Every program links only what it uses.

LIBOS_LIB := $(sort $(wildcard libos/lib/*.c libos/lib/*.S))

$(call user-library,exo,$(LIBOS_LIB))
