/* What the variants of the tile kernels share. */
#ifndef PP_TILES_H
#define PP_TILES_H

#include <stdint.h>

/* Rows of bytes that may be added up in 16 bits: 257 * 255 < 2^16. */
enum { PP_ROWS_IN_16_BITS = 257 };

/* Add to sums[i] the bytes rows[i], rows[i + stride], … of so many rows; i < n. */
typedef void pp_add_rows_kernel(uint16_t *sums, const uint8_t *rows, int64_t stride, int64_t count,
                                int64_t n);
pp_add_rows_kernel pp_add_rows_baseline, pp_add_rows_avx2, pp_add_rows_avx512, pp_add_rows_neon;

#endif
