/* Exact sums: a fixed-point number that covers all of float64, with a count. */
#ifndef PP_EXACT_SUM_H
#define PP_EXACT_SUM_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    PP_LIMBS = 68,       /* of 32 bits: 2**63 numbers below 2**1024, in units of 2**-1074 */
    PP_LOWEST = -1074,   /* every float64 is a multiple of 2**PP_LOWEST */
    PP_EXACT_BYTES = 282 /* of the canonical form */
};

enum pp_special { PP_SAW_INF = 1, PP_SAW_MINUS_INF = 2, PP_SAW_NAN = 4 };

/* The sum of the limbs, limb i in units of 2**(32 * i + PP_LOWEST). They have room for carries,
   which are put off; the same sum may stand in them in many ways. All zeros is the empty sum. */
typedef struct pp_exact_sum {
    int64_t limb[PP_LIMBS];
    int64_t count; /* of the numbers that went in: kept by whoever adds them */
    int pending;   /* additions since the carries were last dealt with */
    unsigned specials;
} pp_exact_sum;

/* Room to add long arrays of all magnitudes faster: a sum for each exponent, in units of its last
   place. All zeros is empty. */
typedef struct pp_exact_bins {
    int64_t bin[2047];
    bool used;
} pp_exact_bins;

/* Why a sum has no value. */
enum pp_exact_fault {
    PP_EXACT_FINE,
    PP_EXACT_OVERFLOW,  /* rounded, it is out of float64's range */
    PP_EXACT_INFINITIES /* of both signs */
};

/* Add n numbers; the same through bins, which hold a part of the sum until they are emptied; or
   value * 2**exponent, of a magnitude below 2**1088 and nothing below 2**PP_LOWEST; or another sum,
   its count included. */
void pp_exact_add(pp_exact_sum *sum, const double *x, int64_t n);
void pp_exact_add_binned(pp_exact_sum *sum, pp_exact_bins *bins, const double *x, int64_t n);
void pp_exact_add_integer(pp_exact_sum *sum, int64_t value, int exponent);
void pp_exact_empty_bins(pp_exact_sum *sum, pp_exact_bins *bins);
void pp_exact_merge(pp_exact_sum *sum, const pp_exact_sum *other);

/* Bring every limb but the last into 0 ... 2**32 - 1: then equal sums have equal limbs. */
void pp_exact_carry(pp_exact_sum *sum);

/* The sum, or the sum divided by the count, rounded once, half to even; infinite or NaN when there
   is a fault. */
enum pp_exact_fault pp_exact_value(const pp_exact_sum *sum, double *value);
enum pp_exact_fault pp_exact_mean(const pp_exact_sum *sum, double *mean);

/* The canonical form: equal sums of equally many numbers have equal bytes, on every machine.
   From bytes that no sum has: false. */
void pp_exact_to_bytes(const pp_exact_sum *sum, uint8_t *bytes);
bool pp_exact_from_bytes(pp_exact_sum *sum, const uint8_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
