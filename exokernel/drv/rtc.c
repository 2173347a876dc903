// SPDX-License-Identifier: MIT
/*
 * See rtc.h.
 */
#include "drv/rtc.h"

#include <stdbool.h>

#include "drv/acpi.h"
#include "hw.h"
#include "lib/string.h"

enum {
    CMOS_INDEX = 0x70,
    CMOS_DATA = 0x71,
    LOOKS = 10000, /* an update takes at most 2 ms */
};

enum rtc_register {
    RTC_SECONDS = 0x00,
    RTC_MINUTES = 0x02,
    RTC_HOURS = 0x04,
    RTC_DAY = 0x07,
    RTC_MONTH = 0x08,
    RTC_YEAR = 0x09,
    RTC_STATUS_A = 0x0a,
    RTC_STATUS_B = 0x0b,
    RTC_CENTURY = 0x32,
};

enum {
    STATUS_A_UPDATING = 0x80,
    STATUS_B_24H = 0x02,
    STATUS_B_BINARY = 0x04,
    HOURS_PM = 0x80,
};

struct date {
    unsigned second, minute, hour, day, month, year;
};

static uint8_t
cmos(uint8_t index)
{
    hw_outb(CMOS_INDEX, index);
    return hw_inb(CMOS_DATA);
}

static unsigned
decode(uint8_t raw, bool binary)
{
    return binary ? raw : (raw >> 4) * 10u + (raw & 15);
}

static struct date
read_date(void)
{
    const uint8_t b = cmos(RTC_STATUS_B);
    const bool binary = (b & STATUS_B_BINARY) != 0;
    const uint8_t hours = cmos(RTC_HOURS);
    struct date d = {
        .second = decode(cmos(RTC_SECONDS), binary),
        .minute = decode(cmos(RTC_MINUTES), binary),
        .hour = decode(hours & ~HOURS_PM, binary),
        .day = decode(cmos(RTC_DAY), binary),
        .month = decode(cmos(RTC_MONTH), binary),
        .year = decode(cmos(RTC_YEAR), binary),
    };
    if ((b & STATUS_B_24H) == 0)
        d.hour = d.hour % 12 + ((hours & HOURS_PM) != 0 ? 12 : 0);
    const unsigned century = decode(cmos(RTC_CENTURY), binary);
    d.year += (century >= 19 && century <= 22 ? century : 20) * 100;
    return d;
}

static bool
is_valid(const struct date *d)
{
    return d->second < 60 && d->minute < 60 && d->hour < 24 && d->day >= 1 &&
           d->day <= 31 && d->month >= 1 && d->month <= 12 && d->year >= 1970;
}

/* Days from 1970-01-01 in the Gregorian calendar: years begin in March, so
 * that the leap day is the last. */
static uint64_t
days_since_1970(const struct date *d)
{
    const unsigned year = d->month > 2 ? d->year : d->year - 1;
    const unsigned month = d->month > 2 ? d->month - 3 : d->month + 9;
    const uint64_t days = year * 365ull + year / 4 - year / 100 + year / 400 +
                          (month * 153 + 2) / 5 + d->day - 1;
    return days - 719468;
}

uint64_t
rtc_epoch_ns(void)
{
    if (acpi.no_cmos_rtc)
        return 0;
    for (unsigned i = 0; i < LOOKS; i++) {
        if ((cmos(RTC_STATUS_A) & STATUS_A_UPDATING) != 0) {
            hw_pause();
            continue;
        }
        /* An update in the middle would show as a difference. */
        const struct date d = read_date(), again = read_date();
        if (memcmp(&d, &again, sizeof d) != 0)
            continue;
        if (!is_valid(&d))
            return 0;
        const uint64_t seconds = days_since_1970(&d) * 86400 + d.hour * 3600u +
                                 d.minute * 60u + d.second;
        return seconds * 1000000000;
    }
    return 0;
}
