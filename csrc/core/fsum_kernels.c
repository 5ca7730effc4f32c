/* The kernels of fsum: their variants, and the range of numbers that they work in. */
#include "fsum.h"

#include <limits.h>

#define TEMPLATE "fsum_template.h"
#include "each_isa.h"

int pp_fsum_exponent(const double *x, int n)
{
    int largest = 0;
    for (int i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        const int exponent = (int)(bits >> 52 & 0x7ff);
        largest = exponent > largest ? exponent : largest;
    }
    return largest;
}

int pp_fsum_top(int exponent)
{
    const int top = exponent - 1022 + PP_FSUM_HEADROOM; /* they are below 2**(exponent - 1022) */
    return top > PP_FSUM_MAX_TOP ? PP_FSUM_NO_TOP : top < PP_FSUM_MIN_TOP ? PP_FSUM_MIN_TOP : top;
}

int pp_fsum_guess_top(const double *x, int n)
{
    enum { MARGIN = 8 };
    const int top = pp_fsum_top(pp_fsum_exponent(x, n) + MARGIN);
    return top == PP_FSUM_NO_TOP ? PP_FSUM_MAX_TOP : top;
}

int pp_fsum_workers(int64_t items)
{
    return items < INT_MAX ? (int)items : INT_MAX;
}
