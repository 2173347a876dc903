// SPDX-License-Identifier: MIT
/*
 * The MultiProcessor table: what machines without ACPI say of their CPUs.
 *
 * Read only when there is no MADT; fills the same `acpi` structure. As little
 * trusted as the ACPI tables.
 *
 * Sources: Intel MultiProcessor Specification 1.4, chapter 4.
 */
#ifndef EXO_DRV_MPTABLE_H
#define EXO_DRV_MPTABLE_H

void mptable_read(void);

#endif
