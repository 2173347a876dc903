# SPDX-License-Identifier: MIT
#
# libos/minimal: what a program on it links, beside libos/lib:
#   $(call user-program,NAME,SOURCES,minimal exo)

LIBOS_MINIMAL := $(sort $(wildcard libos/minimal/*.c libos/minimal/*.S))

$(call user-library,minimal,$(LIBOS_MINIMAL))
