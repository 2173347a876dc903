// SPDX-License-Identifier: MIT
/* date.c: see date.h. */
#include "date.h"

#include <stdio.h>

static const char days[] = "ThuFriSatSunMonTueWed"; // 1970 began on a Thursday
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct date {
    unsigned year, month, day; // month from 0, day from 1
    unsigned hour, minute, second;
};

static bool
is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned
days_of(unsigned year, unsigned month)
{
    static const unsigned char length[] = {31, 28, 31, 30, 31, 30,
                                           31, 31, 30, 31, 30, 31};
    return length[month] + (month == 1 && is_leap(year));
}

/* Days before a year, from 1970. */
static int64_t
days_before(int64_t year)
{
    int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

static struct date
split(int64_t seconds)
{
    int64_t day = seconds / 86400, year = 1970 + day / 366;
    unsigned rest = (unsigned)(seconds % 86400);
    while (days_before(year + 1) <= day)
        year++;
    struct date d = {.year = (unsigned)year,
                     .hour = rest / 3600,
                     .minute = rest / 60 % 60,
                     .second = rest % 60};
    day -= days_before(year);
    while (day >= days_of(d.year, d.month))
        day -= days_of(d.year, d.month++);
    d.day = (unsigned)day + 1;
    return d;
}

static int64_t
in_range(int64_t seconds)
{
    const int64_t last = 253402300799; // of 9999
    return seconds < 0 ? 0 : seconds > last ? last : seconds;
}

void
date_write(char to[DATE_BYTES], int64_t seconds)
{
    seconds = in_range(seconds);
    struct date d = split(seconds);
    snprintf(to, DATE_BYTES, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
             days + seconds / 86400 % 7 * 3, d.day % 100, months + d.month * 3,
             d.year % 10000, d.hour % 100, d.minute % 100, d.second % 100);
}

void
date_write_log(char to[DATE_BYTES], int64_t seconds)
{
    struct date d = split(in_range(seconds));
    snprintf(to, DATE_BYTES, "%02u/%.3s/%04u:%02u:%02u:%02u +0000", d.day % 100,
             months + d.month * 3, d.year % 10000, d.hour % 100, d.minute % 100,
             d.second % 100);
}

static int64_t
join(const struct date *d, const char *month)
{
    const char *found = strstr(months, month);
    if (strlen(month) != 3 || !found || (found - months) % 3 != 0)
        return -1;
    unsigned m = (unsigned)(found - months) / 3;
    if (d->year < 1970 || d->year > 9999 || d->day < 1 ||
        d->day > days_of(d->year, m) || d->hour > 23 || d->minute > 59 ||
        d->second > 60)
        return -1;
    int64_t day = days_before(d->year) + (int64_t)d->day - 1;
    for (unsigned i = 0; i < m; i++)
        day += days_of(d->year, i);
    return day * 86400 + d->hour * 3600 + d->minute * 60 + d->second;
}

/* The year that ends in these digits and is no more than 50 years from now. */
static unsigned
full_year(unsigned digits, int64_t now)
{
    unsigned this_year = split(in_range(now)).year;
    unsigned year = this_year / 100 * 100 + digits;
    return year > this_year + 50 ? year - 100 : year;
}

int64_t
date_read(struct span text, int64_t now)
{
    char copy[48], month[4] = "";
    struct date d = {0};
    int end = 0;
    if (text.length >= sizeof(copy))
        return -1;
    memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    if (sscanf(copy, "%*3[A-Za-z], %2u %3[A-Za-z] %4u %2u:%2u:%2u GMT%n",
               &d.day, month, &d.year, &d.hour, &d.minute, &d.second,
               &end) == 6 &&
        end && !copy[end])
        return join(&d, month);
    if (sscanf(copy, "%*[A-Za-z], %2u-%3[A-Za-z]-%2u %2u:%2u:%2u GMT%n", &d.day,
               month, &d.year, &d.hour, &d.minute, &d.second, &end) == 6 &&
        end && !copy[end]) {
        d.year = full_year(d.year, now);
        return join(&d, month);
    }
    if (sscanf(copy, "%*3[A-Za-z] %3[A-Za-z] %2u %2u:%2u:%2u %4u%n", month,
               &d.day, &d.hour, &d.minute, &d.second, &d.year, &end) == 6 &&
        end && !copy[end])
        return join(&d, month);
    return -1;
}
