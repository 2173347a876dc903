// SPDX-License-Identifier: MIT
/*
 * See power.h.
 */
#include "drv/power.h"

#include "drv/acpi.h"
#include "drv/uart.h"
#include "hw.h"

enum power_port {
    QEMU_DEBUG_EXIT = 0xf4,
    BOCHS_SHUTDOWN = 0x8900,
    KEYBOARD_COMMAND = 0x64,
    CHIPSET_RESET = 0xcf9,
};

enum {
    PM1_SLEEP_ENABLE = 1u << 13,
    PM1_SLEEP_TYPE_SHIFT = 10,
    RESET_FULL = 0x0e,
    KEYBOARD_PULSE_RESET = 0xfe,
};

static _Noreturn void
stop_here(void)
{
    for (;;) {
        hw_cli();
        hw_halt();
    }
}

void
power_exit_emulator(unsigned code)
{
    uart_drain(UART_CONSOLE);
    uart_drain(UART_MANAGE);
    hw_outb(QEMU_DEBUG_EXIT, (uint8_t)code);
    for (const char *at = "Shutdown"; *at != '\0'; at++)
        hw_outb(BOCHS_SHUTDOWN, (uint8_t)*at);
}

_Noreturn void
power_off(unsigned code)
{
    uint8_t a, b;
    hw_cli();
    power_exit_emulator(code);
    if (acpi.pm1a_control != 0 && acpi_read_s5(&a, &b)) {
        hw_outw(acpi.pm1a_control,
                (uint16_t)(a << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE));
        if (acpi.pm1b_control != 0)
            hw_outw(acpi.pm1b_control,
                    (uint16_t)(b << PM1_SLEEP_TYPE_SHIFT | PM1_SLEEP_ENABLE));
    }
    stop_here();
}

_Noreturn void
power_reboot(void)
{
    hw_cli();
    uart_drain(UART_CONSOLE);
    uart_drain(UART_MANAGE);
    hw_outb(CHIPSET_RESET, RESET_FULL);
    hw_outb(KEYBOARD_COMMAND, KEYBOARD_PULSE_RESET);
    const struct hw_table none = {0, 0};
    hw_lidt(&none);
    __asm__ volatile("ud2");
    stop_here();
}
