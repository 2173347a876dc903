/* SPDX-License-Identifier: MIT */
/* timegm() and timespec_get(). */
#include <time.h>

/* Days from 1 January 1970 to 1 March of `year`, in the proleptic Gregorian
   calendar. */
static long
days_to_march(long year)
{
    long era = (year >= 0 ? year : year - 399) / 400;
    long of_era = year - era * 400;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 - 719468;
}

time_t
timegm(struct tm *tm)
{
    long month = tm->tm_mon % 12;
    long year = 1900l + tm->tm_year + tm->tm_mon / 12;
    if (month < 0) {
        month += 12;
        year--;
    }
    /* Years that begin in March have the leap day at their end. */
    long from_march = (month + 10) % 12;
    long days = days_to_march(month < 2 ? year - 1 : year) +
                (153 * from_march + 2) / 5 + tm->tm_mday - 1;
    time_t time =
        ((days * 24 + tm->tm_hour) * 60 + tm->tm_min) * 60 + tm->tm_sec;
    gmtime_r(&time, tm);
    return time;
}

int
timespec_get(struct timespec *now, int base)
{
    if (base != TIME_UTC || clock_gettime(CLOCK_REALTIME, now) != 0)
        return 0;
    return base;
}
