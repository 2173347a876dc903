/* SPDX-License-Identifier: MIT */
/*
 * The functions of math.h on long double that newlib has only where it is the
 * same as double. They stand on the x87 instructions, which are good to the
 * last bits of the 64-bit mantissa within these limits: sinl(), cosl() and
 * tanl() of large numbers are reduced by a pi of 66 bits; powl() loses as many
 * bits as the exponent of its result has; erfl(), lgammal() and tgammal() are
 * those of double. errno is not set.
 */
#include <math.h>

enum rounding { NEAREST = 0, DOWN = 0x400, UP = 0x800, CHOP = 0xc00 };

typedef union {
    long double value;
    struct {
        unsigned long mantissa;
        unsigned short sign_exponent;
    };
} parts;

static long double
round_by(long double x, enum rounding way)
{
    unsigned short old, new;
    __asm__ volatile("fnstcw %0" : "=m"(old));
    new = (old & ~0xc00) | way;
    __asm__ volatile("fldcw %2; frndint; fldcw %1"
                     : "+t"(x)
                     : "m"(old), "m"(new));
    return x;
}

long double
fabsl(long double x)
{
    return __builtin_fabsl(x);
}

long double
copysignl(long double x, long double sign)
{
    return __builtin_copysignl(x, sign);
}

long double
floorl(long double x)
{
    return round_by(x, DOWN);
}

long double
ceill(long double x)
{
    return round_by(x, UP);
}

long double
truncl(long double x)
{
    return round_by(x, CHOP);
}

long double
rintl(long double x)
{
    __asm__("frndint" : "+t"(x));
    return x;
}

long double
nearbyintl(long double x)
{
    return rintl(x);
}

/* Halves go away from zero. */
long double
roundl(long double x)
{
    long double whole = truncl(x);
    if (fabsl(x - whole) >= 0.5l)
        whole += copysignl(1.0l, x);
    return copysignl(whole, x);
}

long
lrintl(long double x)
{
    return (long)rintl(x);
}

long long
llrintl(long double x)
{
    return (long long)rintl(x);
}

long
lroundl(long double x)
{
    return (long)roundl(x);
}

long long
llroundl(long double x)
{
    return (long long)roundl(x);
}

long double
modfl(long double x, long double *whole)
{
    *whole = truncl(x);
    return copysignl(isinf(x) ? 0.0l : x - *whole, x);
}

/* The rest that FPREM (towards zero) or FPREM1 (to nearest) leaves; they come
   closer step by step, and say in C2 when there is more to do. */
long double
fmodl(long double x, long double y)
{
    unsigned short status;
    do
        __asm__ volatile("fprem; fnstsw %1" : "+t"(x), "=a"(status) : "u"(y));
    while (status & 0x400);
    return x;
}

long double
remainderl(long double x, long double y)
{
    unsigned short status;
    do
        __asm__ volatile("fprem1; fnstsw %1" : "+t"(x), "=a"(status) : "u"(y));
    while (status & 0x400);
    return x;
}

long double
scalbnl(long double x, int n)
{
    __asm__("fscale" : "+t"(x) : "u"((long double)n));
    return x;
}

long double
scalblnl(long double x, long n)
{
    __asm__("fscale" : "+t"(x) : "u"((long double)n));
    return x;
}

long double
ldexpl(long double x, int n)
{
    return scalbnl(x, n);
}

long double
logbl(long double x)
{
    long double exponent, mantissa;
    __asm__("fxtract" : "=t"(mantissa), "=u"(exponent) : "0"(x));
    return isinf(x) ? fabsl(x) : exponent;
}

int
ilogbl(long double x)
{
    if (x == 0)
        return FP_ILOGB0;
    if (isnan(x))
        return FP_ILOGBNAN;
    return isinf(x) ? __INT_MAX__ : (int)logbl(x);
}

long double
frexpl(long double x, int *exponent)
{
    *exponent = 0;
    if (x == 0 || !isfinite(x))
        return x;
    *exponent = ilogbl(x) + 1;
    return scalbnl(x, -*exponent);
}

/* The next number in the direction of `to`: one step of the bits. */
long double
nextafterl(long double from, long double to)
{
    parts p = {.value = from};
    if (isnan(from) || isnan(to))
        return from + to;
    if (from == to)
        return to;
    if (from == 0) {
        p.mantissa = 1;
        p.sign_exponent = to < 0 ? 0x8000 : 0;
    } else if ((from < to) == (from > 0)) {
        if (++p.mantissa == 0 ||
            (p.mantissa == 1ul << 63 && (p.sign_exponent & 0x7fff) == 0)) {
            p.mantissa = 1ul << 63;
            p.sign_exponent++;
        }
    } else if (p.mantissa-- == 1ul << 63 && (p.sign_exponent & 0x7fff) != 0) {
        if ((--p.sign_exponent & 0x7fff) != 0)
            p.mantissa = ~0ul;
    }
    return p.value;
}

long double
nexttowardl(long double from, long double to)
{
    return nextafterl(from, to);
}

double
nexttoward(double from, long double to)
{
    if (from == to)
        return (double)to;
    return nextafter(from, isnan(to)   ? (double)to
                           : from < to ? (double)INFINITY
                                       : (double)-INFINITY);
}

float
nexttowardf(float from, long double to)
{
    if (from == to)
        return (float)to;
    return nextafterf(from, isnan(to)   ? (float)to
                            : from < to ? INFINITY
                                        : -INFINITY);
}

long double
fmaxl(long double x, long double y)
{
    return isnan(x) || x < y ? y : x;
}

long double
fminl(long double x, long double y)
{
    return isnan(x) || y < x ? y : x;
}

long double
fdiml(long double x, long double y)
{
    return isnan(x) || isnan(y) ? x + y : x > y ? x - y : 0.0l;
}

/* y log2(x), log2(x + 1), and 2^x - 1 for |x| <= 1: the hardware's own. */
static long double
y_log2(long double x, long double y)
{
    __asm__("fyl2x" : "+t"(x) : "u"(y) : "st(1)");
    return x;
}

static long double
y_log2_1p(long double x, long double y)
{
    __asm__("fyl2xp1" : "+t"(x) : "u"(y) : "st(1)");
    return x;
}

static long double
exp2_minus_1(long double x)
{
    __asm__("f2xm1" : "+t"(x));
    return x;
}

#define LN2     0.693147180559945309417232121458176568l
#define LOG10_2 0.301029995663981195213738894724493027l

long double
log2l(long double x)
{
    return y_log2(x, 1.0l);
}

long double
logl(long double x)
{
    return y_log2(x, LN2);
}

long double
log10l(long double x)
{
    return y_log2(x, LOG10_2);
}

long double
log1pl(long double x)
{
    return fabsl(x) < 0.29l ? y_log2_1p(x, LN2) : logl(1.0l + x);
}

long double
exp2l(long double x)
{
    if (!isfinite(x))
        return x > 0 || isnan(x) ? x : 0.0l;
    long double whole = rintl(fmaxl(fminl(x, 20000.0l), -20000.0l));
    long double rest = fmaxl(fminl(x - whole, 1.0l), -1.0l);
    return scalbnl(exp2_minus_1(rest) + 1.0l, (int)whole);
}

/* x = k ln 2 + rest, with ln 2 in two parts so that the rest keeps its bits. */
static long double
split_by_ln2(long double x, int *k)
{
    const long double high = 0x1.62e42fefa39ep-1l;
    const long double low = LN2 - 0x1.62e42fefa39ep-1l;
    long double whole = rintl(x / LN2);
    *k = (int)whole;
    return x - whole * high - whole * low;
}

long double
expl(long double x)
{
    int k;
    if (!isfinite(x))
        return x > 0 || isnan(x) ? x : 0.0l;
    long double rest = split_by_ln2(fmaxl(fminl(x, 12000.0l), -12000.0l), &k);
    return scalbnl(exp2_minus_1(rest / LN2) + 1.0l, k);
}

long double
expm1l(long double x)
{
    return fabsl(x) < 0.5l ? exp2_minus_1(x / LN2) : expl(x) - 1.0l;
}

/* x^n for a whole n, by squaring. */
static long double
power(long double x, unsigned n)
{
    long double result = 1.0l;
    for (; n; n >>= 1, x *= x)
        if (n & 1)
            result *= x;
    return result;
}

long double
powl(long double x, long double y)
{
    int is_whole = y == truncl(y);
    int is_odd = is_whole && fabsl(y) < 0x1p64l && fmodl(y, 2.0l) != 0;
    if (y == 0 || x == 1)
        return 1.0l;
    if (isnan(x) || isnan(y))
        return x + y;
    if (isinf(y))
        return fabsl(x) == 1               ? 1.0l
               : (fabsl(x) > 1) == (y > 0) ? INFINITY
                                           : 0.0l;
    if (x == 0 || isinf(x)) {
        long double size = (x == 0) == (y < 0) ? INFINITY : 0.0l;
        return is_odd ? copysignl(size, x) : size;
    }
    if (x < 0 && !is_whole)
        return NAN;
    long double size;
    if (is_whole && fabsl(y) <= 64) {
        size = power(fabsl(x), (unsigned)fabsl(y));
        size = y < 0 ? 1.0l / size : size;
    } else {
        size = exp2l(y_log2(fabsl(x), y));
    }
    return x < 0 && is_odd ? -size : size;
}

long double
cbrtl(long double x)
{
    if (x == 0 || !isfinite(x))
        return x;
    long double root = copysignl(exp2l(y_log2(fabsl(x), 1.0l / 3)), x);
    return root - (root - x / (root * root)) / 3;
}

/* FSIN, FCOS and FPTAN take |x| < 2^63. */
static long double
reduce(long double x)
{
    return fabsl(x) < 0x1p63l
               ? x
               : fmodl(x, 6.28318530717958647692528676655900577l);
}

long double
sinl(long double x)
{
    x = reduce(x);
    __asm__("fsin" : "+t"(x));
    return x;
}

long double
cosl(long double x)
{
    x = reduce(x);
    __asm__("fcos" : "+t"(x));
    return x;
}

long double
tanl(long double x)
{
    long double one;
    x = reduce(x);
    __asm__("fptan" : "=t"(one), "=u"(x) : "0"(x));
    return x;
}

long double
atan2l(long double y, long double x)
{
    __asm__("fpatan" : "+t"(x) : "u"(y) : "st(1)");
    return x;
}

long double
atanl(long double x)
{
    return atan2l(x, 1.0l);
}

long double
asinl(long double x)
{
    return atan2l(x, sqrtl((1.0l - x) * (1.0l + x)));
}

long double
acosl(long double x)
{
    return atan2l(sqrtl((1.0l - x) * (1.0l + x)), x);
}

long double
sinhl(long double x)
{
    if (fabsl(x) > 40)
        return copysignl(expl(fabsl(x) - LN2), x);
    long double t = expm1l(x);
    return (t + t / (t + 1.0l)) / 2;
}

long double
coshl(long double x)
{
    long double e = expl(fabsl(x) - LN2);
    return e + 0.25l / e;
}

long double
tanhl(long double x)
{
    if (fabsl(x) > 40)
        return copysignl(1.0l, x);
    long double t = expm1l(2 * x);
    return x == 0 ? x : t / (t + 2.0l);
}

long double
asinhl(long double x)
{
    long double a = fabsl(x);
    if (a > 0x1p32l)
        return copysignl(logl(a) + LN2, x);
    return copysignl(log1pl(a + a * a / (1.0l + sqrtl(a * a + 1.0l))), x);
}

long double
acoshl(long double x)
{
    if (x > 0x1p32l)
        return logl(x) + LN2;
    return log1pl(x - 1.0l + sqrtl((x - 1.0l) * (x + 1.0l)));
}

long double
atanhl(long double x)
{
    return log1pl(2 * x / (1.0l - x)) / 2;
}

long double
erfl(long double x)
{
    return erf((double)x);
}

long double
erfcl(long double x)
{
    return erfc((double)x);
}

long double
lgammal(long double x)
{
    return lgamma((double)x);
}

long double
tgammal(long double x)
{
    return tgamma((double)x);
}
