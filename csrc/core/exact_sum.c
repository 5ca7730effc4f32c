/* Exact sums: additions without rounding, and one rounding at the end.

   A float64 is an integer of 53 bits times a power of two, so it can be added to a fixed-point
   number of some 2100 bits without any rounding (Kulisch's long accumulator). Limbs of 32 bits in
   words of 64 let a thousand additions go by before carries have to be passed on: the "small
   superaccumulator" of R. M. Neal, "Fast exact summation using small and large superaccumulators"
   (2015). */
#include "exact_sum.h"

#include <math.h>
#include <string.h>

#include "common.h"

enum {
    LIMB_BITS = 32,
    MANTISSA_BITS = 52, /* that are stored */
    INFINITE = 0x7ff,   /* exponent field of infinities and NaN */
    PENDING = 1024,     /* additions of less than 2**53 to a limb, without overflow */
    FRACTION = 2,       /* limbs below 2**PP_LOWEST that a quotient has: see divide() */
    FORMAT = 1,         /* of the canonical bytes */
};

static const int64_t MASK = (INT64_C(1) << LIMB_BITS) - 1;

/* The multiples of 2**32 in a number: the shift rounds down with every compiler that there is. */
PP_INLINE int64_t upper(int64_t limb)
{
    return limb >> LIMB_BITS;
}

void pp_exact_carry(pp_exact_sum *sum)
{
    for (int i = 0; i < PP_LIMBS - 1; i++) {
        sum->limb[i + 1] += upper(sum->limb[i]);
        sum->limb[i] &= MASK;
    }
    sum->pending = 0;
}

/* Make room for so many additions. */
PP_INLINE void reserve(pp_exact_sum *sum, int additions)
{
    if (sum->pending + additions > PENDING)
        pp_exact_carry(sum);
    sum->pending += additions;
}

static void note_special(pp_exact_sum *sum, double x)
{
    sum->specials |= isnan(x) ? PP_SAW_NAN : x > 0 ? PP_SAW_INF : PP_SAW_MINUS_INF;
}

/* A finite number as an integer times 2**(place + PP_LOWEST). */
typedef struct scaled {
    int64_t mantissa;
    int place;
} scaled;

PP_INLINE scaled scale(uint64_t bits)
{
    /* Subnormals have the exponent of the smallest normal numbers, and no hidden bit. */
    const int exponent = (int)(bits >> MANTISSA_BITS & INFINITE);
    const int normal = exponent != 0;
    const uint64_t magnitude = (bits & ((UINT64_C(1) << MANTISSA_BITS) - 1)) | (uint64_t)normal
                                                                                   << MANTISSA_BITS;
    const int64_t sign = -(int64_t)(bits >> 63); /* 0 or -1: (y ^ -1) + 1 is -y */
    return (scaled){((int64_t)magnitude ^ sign) - sign, exponent - normal};
}

PP_INLINE bool is_finite(uint64_t bits)
{
    return (bits >> MANTISSA_BITS & INFINITE) != INFINITE;
}

PP_INLINE void add_number(pp_exact_sum *sum, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (PP_UNLIKELY(!is_finite(bits))) {
        note_special(sum, x);
        return;
    }
    const scaled number = scale(bits);
    const int shift = number.place % LIMB_BITS;
    int64_t *limb = &sum->limb[number.place / LIMB_BITS];
    limb[0] += (int64_t)((uint64_t)number.mantissa << shift) & MASK;
    limb[1] += number.mantissa >> (LIMB_BITS - shift);
}

void pp_exact_add(pp_exact_sum *sum, const double *x, int64_t n)
{
    while (n > 0) {
        const int run = n < PENDING ? (int)n : PENDING;
        reserve(sum, run);
        for (int i = 0; i < run; i++)
            add_number(sum, x[i]);
        x += run;
        n -= run;
    }
}

void pp_exact_add_integer(pp_exact_sum *sum, int64_t value, int exponent)
{
    reserve(sum, 1);
    const int place = exponent - PP_LOWEST;
    const int64_t unit = INT64_C(1) << place % LIMB_BITS;
    int64_t *limb = &sum->limb[place / LIMB_BITS];
    /* Not the value but its halves are shifted: they have room for it. */
    const int64_t low = (value & MASK) * unit, high = upper(value) * unit;
    limb[0] += low & MASK;
    limb[1] += upper(low) + (high & MASK);
    limb[2] += upper(high);
}

PP_INLINE void add_to_bin(pp_exact_sum *sum, pp_exact_bins *bins, double x)
{
    const int64_t full = INT64_C(1) << 62; /* then there is still room for a number */
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (PP_UNLIKELY(!is_finite(bits))) {
        note_special(sum, x);
        return;
    }
    const scaled number = scale(bits);
    int64_t *bin = &bins->bin[number.place];
    const int64_t total = *bin + number.mantissa;
    *bin = total;
    if (PP_UNLIKELY(total >= full || total <= -full)) {
        pp_exact_add_integer(sum, total, number.place + PP_LOWEST);
        *bin = 0;
    }
}

void pp_exact_add_binned(pp_exact_sum *sum, pp_exact_bins *bins, const double *x, int64_t n)
{
    bins->used = true;
    /* Four in a turn, because CPUs learn for each load in the program, not for each address, on
       which store it has to wait. */
    for (; n >= 4; n -= 4, x += 4) {
        add_to_bin(sum, bins, x[0]);
        add_to_bin(sum, bins, x[1]);
        add_to_bin(sum, bins, x[2]);
        add_to_bin(sum, bins, x[3]);
    }
    pp_exact_add(sum, x, n);
}

void pp_exact_empty_bins(pp_exact_sum *sum, pp_exact_bins *bins)
{
    if (!bins->used)
        return;
    for (int i = 0; i < (int)(sizeof bins->bin / sizeof *bins->bin); i++) {
        if (bins->bin[i]) {
            pp_exact_add_integer(sum, bins->bin[i], i + PP_LOWEST);
            bins->bin[i] = 0;
        }
    }
    bins->used = false;
}

void pp_exact_merge(pp_exact_sum *sum, const pp_exact_sum *other)
{
    pp_exact_sum carried = *other;
    pp_exact_carry(&carried);
    reserve(sum, 1);
    for (int i = 0; i < PP_LIMBS; i++)
        sum->limb[i] += carried.limb[i];
    sum->count += carried.count;
    sum->specials |= carried.specials;
}

/* A magnitude: digits of 32 bits, the lowest in units of 2**lowest. Zeros at the end let the
   rounding read past the highest digit. */
typedef struct magnitude {
    uint32_t digit[FRACTION + PP_LIMBS + 2];
    int lowest;
} magnitude;

/* Put the sum's magnitude behind so many digits of zero; is it negative? */
static bool take_magnitude(const pp_exact_sum *sum, int zeros, magnitude *m)
{
    pp_exact_sum carried = *sum;
    pp_exact_carry(&carried);
    const bool negative = carried.limb[PP_LIMBS - 1] < 0;
    if (negative) {
        for (int i = 0; i < PP_LIMBS; i++)
            carried.limb[i] = -carried.limb[i];
        pp_exact_carry(&carried);
    }
    memset(m->digit, 0, sizeof m->digit);
    for (int i = 0; i < PP_LIMBS; i++)
        m->digit[zeros + i] = (uint32_t)carried.limb[i];
    m->lowest = PP_LOWEST - zeros * LIMB_BITS;
    return negative;
}

/* The highest digit that is not 0, or -1. */
static int highest_digit(const magnitude *m)
{
    int i = FRACTION + PP_LIMBS - 1;
    while (i >= 0 && m->digit[i] == 0)
        i--;
    return i;
}

/* Long division in base two: the remainder stays below the divisor, and so within 64 bits. What is
   cut off makes no difference to the rounding: a quotient by less than 2**63 that is not a whole or
   half unit, 2**PP_LOWEST, is more than 2**-64 of one away from it, which FRACTION limbs show. */
static void divide(magnitude *m, uint64_t divisor)
{
    uint64_t remainder = 0;
    for (int i = highest_digit(m); i >= 0; i--) {
        uint32_t quotient = 0;
        for (int bit = LIMB_BITS - 1; bit >= 0; bit--) {
            remainder = remainder << 1 | (m->digit[i] >> bit & 1);
            const bool fits = remainder >= divisor;
            remainder -= fits ? divisor : 0;
            quotient = quotient << 1 | fits;
        }
        m->digit[i] = quotient;
    }
}

/* 64 bits, the lowest of them at this place. */
static uint64_t bits_from(const magnitude *m, int place)
{
    const uint32_t *digit = &m->digit[place / LIMB_BITS];
    const int shift = place % LIMB_BITS;
    const uint64_t low = digit[0] | (uint64_t)digit[1] << LIMB_BITS;
    return shift ? low >> shift | (uint64_t)digit[2] << (2 * LIMB_BITS - shift) : low;
}

static bool any_below(const magnitude *m, int place)
{
    for (int i = 0; i < place / LIMB_BITS; i++)
        if (m->digit[i])
            return true;
    return (m->digit[place / LIMB_BITS] & ((UINT32_C(1) << place % LIMB_BITS) - 1)) != 0;
}

/* Rounded half to even; infinity where that is out of range. */
static double round_magnitude(const magnitude *m)
{
    const int highest = highest_digit(m);
    if (highest < 0)
        return 0;
    const int top = highest * LIMB_BITS + pp_highest_bit(m->digit[highest]);
    /* The last place of the result: its 53rd bit, but none below the subnormals' last. */
    const int subnormal = PP_LOWEST - m->lowest;
    const int last = top - MANTISSA_BITS > subnormal ? top - MANTISSA_BITS : subnormal;
    const int exponent = last - subnormal;
    if (exponent >= INFINITE - 1)
        return INFINITY;
    uint64_t rounded = bits_from(m, last);
    if (last > 0 && (bits_from(m, last - 1) & 1))
        rounded += (rounded & 1) || any_below(m, last - 1);
    /* The hidden bit adds 1 to the exponent field, and so does a carry out of the mantissa: also
       from the largest subnormal to the smallest normal, and from the largest number to infinity.
     */
    rounded += (uint64_t)exponent << MANTISSA_BITS;
    double value;
    memcpy(&value, &rounded, sizeof value);
    return value;
}

static enum pp_exact_fault value_of_specials(unsigned specials, double *value)
{
    const unsigned both = PP_SAW_INF | PP_SAW_MINUS_INF;
    const bool no_number = (specials & PP_SAW_NAN) || (specials & both) == both;
    *value = no_number ? NAN : specials & PP_SAW_INF ? INFINITY : -INFINITY;
    return (specials & both) == both ? PP_EXACT_INFINITIES : PP_EXACT_FINE;
}

static enum pp_exact_fault round_quotient(const pp_exact_sum *sum, int64_t divisor, double *value)
{
    if (sum->specials)
        return value_of_specials(sum->specials, value);
    magnitude m;
    const bool negative = take_magnitude(sum, divisor > 1 ? FRACTION : 0, &m);
    if (divisor > 1)
        divide(&m, (uint64_t)divisor);
    const double rounded = round_magnitude(&m);
    *value = negative ? -rounded : rounded;
    return isinf(rounded) ? PP_EXACT_OVERFLOW : PP_EXACT_FINE;
}

enum pp_exact_fault pp_exact_value(const pp_exact_sum *sum, double *value)
{
    return round_quotient(sum, 1, value);
}

enum pp_exact_fault pp_exact_mean(const pp_exact_sum *sum, double *mean)
{
    if (sum->count == 0) {
        *mean = NAN;
        return PP_EXACT_FINE;
    }
    return round_quotient(sum, sum->count, mean);
}

static uint8_t *put_bytes(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *to++ = (uint8_t)(value >> 8 * i);
    return to;
}

static uint64_t get_bytes(const uint8_t **from, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)*(*from)++ << 8 * i;
    return value;
}

/* Format, specials, count, limbs: two's complement in all. */
void pp_exact_to_bytes(const pp_exact_sum *sum, uint8_t *bytes)
{
    pp_exact_sum carried = *sum;
    pp_exact_carry(&carried);
    if (carried.specials) /* what is finite makes no difference any more */
        memset(carried.limb, 0, sizeof carried.limb);
    bytes = put_bytes(bytes, FORMAT, 1);
    bytes = put_bytes(bytes, carried.specials, 1);
    bytes = put_bytes(bytes, (uint64_t)carried.count, 8);
    for (int i = 0; i < PP_LIMBS; i++)
        bytes = put_bytes(bytes, (uint64_t)carried.limb[i], LIMB_BITS / 8);
}

/* All numbers are below 2**1024, so the count limits the last two limbs; and without any number, or
   with infinities, the others have nothing to hold. */
static bool is_possible(const pp_exact_sum *sum)
{
    enum { SPARE = (PP_LIMBS - 2) * LIMB_BITS + PP_LOWEST - 1024 }; /* bits between the two */
    if (sum->count < 0 || sum->specials > (PP_SAW_INF | PP_SAW_MINUS_INF | PP_SAW_NAN))
        return false;
    bool zero = true;
    for (int i = 0; i < PP_LIMBS; i++)
        zero = zero && sum->limb[i] == 0;
    if (sum->count == 0)
        return zero && !sum->specials;
    const int64_t units = sum->limb[PP_LIMBS - 1] * (MASK + 1) + sum->limb[PP_LIMBS - 2];
    const int64_t limit = sum->count >> SPARE;
    return sum->specials ? zero : -limit - 1 <= units && units <= limit;
}

bool pp_exact_from_bytes(pp_exact_sum *sum, const uint8_t *bytes)
{
    if (get_bytes(&bytes, 1) != FORMAT)
        return false;
    *sum = (pp_exact_sum){.specials = (unsigned)get_bytes(&bytes, 1)};
    const uint64_t count = get_bytes(&bytes, 8);
    for (int i = 0; i < PP_LIMBS; i++)
        sum->limb[i] = (int64_t)get_bytes(&bytes, LIMB_BITS / 8);
    int64_t *top = &sum->limb[PP_LIMBS - 1];
    *top -= *top > MASK / 2 ? MASK + 1 : 0;
    sum->count = count <= INT64_MAX ? (int64_t)count : -1;
    return is_possible(sum);
}
