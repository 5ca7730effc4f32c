/* Keys: integers in the order of floating-point numbers, for extremes and their places. */
#ifndef PP_ANY_ORDER_H
#define PP_ANY_ORDER_H

#include "reduce.h"

/* -0 is before +0; NaN is `nan`. */
PP_INLINE int64_t pp_key64(int64_t bits, int64_t nan)
{
    const int64_t key = bits ^ (bits >> 63 & INT64_MAX);
    return (bits & INT64_MAX) > INT64_C(0x7ff0000000000000) ? nan : key;
}

PP_INLINE int32_t pp_key32(int32_t bits, int32_t nan)
{
    const int32_t key = bits ^ (bits >> 31 & INT32_MAX);
    return (bits & INT32_MAX) > 0x7f800000 ? nan : key;
}

/* And back; the keys of NaN are no number's. */
PP_INLINE int64_t pp_bits64(int64_t key)
{
    const int64_t nan = INT64_C(0x7ff8000000000000);
    return key == INT64_MIN || key == INT64_MAX ? nan : key ^ (key >> 63 & INT64_MAX);
}

PP_INLINE int32_t pp_bits32(int32_t key)
{
    const int32_t nan = 0x7fc00000;
    return key == INT32_MIN || key == INT32_MAX ? nan : key ^ (key >> 31 & INT32_MAX);
}

#endif
