// SPDX-License-Identifier: MIT
/*
 * Ending it: power off with an exit code for the emulator, or restart.
 *
 * Ways are tried in order, each harmless where it does not exist: QEMU's debug
 * exit device (its status is code * 2 + 1), Bochs' shutdown port, ACPI S5.
 * What remains is a halted machine.
 */
#ifndef EXO_DRV_POWER_H
#define EXO_DRV_POWER_H

/* Never returns. code: 0..127. Waits for the serial ports to drain first. */
_Noreturn void power_off(unsigned code);

/* Restart by the chipset's reset register, the keyboard controller, and at last
 * a triple fault. */
_Noreturn void power_reboot(void);

#endif
