/* Folds whose order is free, for one instruction set: ISA(name) gives `name` the variant's suffix,
   TARGET is the function attribute that turns the instruction set on.

   Row after row of `width` elements is folded into as many accumulators, in plain loops that the
   compiler turns into vectors. Sums and counts have int64 accumulators; extremes have keys: the
   integers themselves, or for floating point integers in the same order, such that NaN comes first
   for a minimum and last for a maximum. */

/* What is fetched ahead: some rows, or where there are few, the columns that come next. */
#define AHEAD(T) (rows > PP_LEAD ? PP_LEAD * row : width * (int64_t)sizeof(T))

/* rows_name: acc = NEXT(acc, element), for accumulators of type A, elements of type T. */
#define FOLD_ROWS(name, A, T, NEXT)                                                                \
    TARGET PP_INLINE void ISA(rows_##name)(A *restrict acc, const char *x, int64_t row,            \
                                           int64_t rows, int width, int64_t ahead)                 \
    {                                                                                              \
        for (int64_t r = 0; r < rows; r++, x += row) {                                             \
            for (int p = 0; p < width * (int)sizeof(T); p += 64)                                   \
                PP_PREFETCH(x + ahead + p);                                                        \
            for (int j = 0; j < width; j++) {                                                      \
                T v;                                                                               \
                memcpy(&v, x + j * (int64_t)sizeof v, sizeof v);                                   \
                acc[j] = NEXT(acc[j], v);                                                          \
            }                                                                                      \
        }                                                                                          \
    }

/* The folder of that name. In the row of PP_PLACES bytes of accumulators the compiler keeps them in
   registers. */
#define FOLD(name, A, T, NEXT)                                                                     \
    FOLD_ROWS(name, A, T, NEXT)                                                                    \
    TARGET static void ISA(name)(void *accumulators, const char *x, int64_t row, int64_t rows,     \
                                 int width)                                                        \
    {                                                                                              \
        enum { WIDTH = PP_PLACES / sizeof(A) };                                                    \
        if (width != WIDTH) {                                                                      \
            ISA(rows_##name)(accumulators, x, row, rows, width, AHEAD(T));                         \
            return;                                                                                \
        }                                                                                          \
        A acc[WIDTH];                                                                              \
        memcpy(acc, accumulators, sizeof acc);                                                     \
        ISA(rows_##name)(acc, x, row, rows, WIDTH, PP_FAR);                                        \
        memcpy(accumulators, acc, sizeof acc);                                                     \
    }

/* The folder of a sum that stays within the narrower type B for `most` rows: more of those fit into
   a vector. */
#define NARROW_FOLD(name, B, T, NEXT, most)                                                        \
    FOLD_ROWS(name, uint64_t, T, NEXT)                                                             \
    FOLD_ROWS(narrow_##name, B, T, NEXT)                                                           \
    TARGET static void ISA(name)(void *accumulators, const char *x, int64_t row, int64_t rows,     \
                                 int width)                                                        \
    {                                                                                              \
        enum { WIDTH = PP_PLACES / sizeof(uint64_t) };                                             \
        uint64_t *acc = accumulators;                                                              \
        if (width != WIDTH) {                                                                      \
            ISA(rows_##name)(acc, x, row, rows, width, AHEAD(T));                                  \
            return;                                                                                \
        }                                                                                          \
        for (int64_t r = 0; r < rows; r += (most)) {                                               \
            const int64_t some = rows - r < (most) ? rows - r : (most);                            \
            B part[WIDTH] = {0};                                                                   \
            ISA(rows_narrow_##name)(part, x + r * row, row, some, WIDTH, PP_FAR);                  \
            for (int j = 0; j < WIDTH; j++)                                                        \
                acc[j] += (uint64_t)(int64_t)part[j];                                              \
        }                                                                                          \
    }

#define LESS(a, b)     ((b) < (a) ? (b) : (a))
#define MORE(a, b)     ((b) > (a) ? (b) : (a))
#define PLUS(a, b)     ((a) + (uint64_t)(b))
#define ONE_MORE(a, b) ((a) + ((b) != 0))
#define LESS64(a, b)   LESS(a, pp_key64(b, INT64_MIN))
#define MORE64(a, b)   MORE(a, pp_key64(b, INT64_MAX))
#define LESS32(a, b)   LESS(a, pp_key32(b, INT32_MIN))
#define MORE32(a, b)   MORE(a, pp_key32(b, INT32_MAX))
#define SOME64(a, b)   ONE_MORE(a, (b) & INT64_MAX)
#define SOME32(a, b)   ONE_MORE(a, (b) & INT32_MAX)

#define EXTREME_FOLDS(T, suffix)                                                                   \
    FOLD(min_##suffix, T, T, LESS)                                                                 \
    FOLD(max_##suffix, T, T, MORE)
#define FLOAT_EXTREME_FOLDS(T, bits)                                                               \
    FOLD(min_f##bits, T, T, LESS##bits)                                                            \
    FOLD(max_f##bits, T, T, MORE##bits)

NARROW_FOLD(sum_i8, int16_t, int8_t, PLUS, 256)
NARROW_FOLD(sum_u8, uint16_t, uint8_t, PLUS, 257)
NARROW_FOLD(sum_i16, int32_t, int16_t, PLUS, 65536)
NARROW_FOLD(sum_u16, uint32_t, uint16_t, PLUS, 65537)
FOLD(sum_i32, uint64_t, int32_t, PLUS)
FOLD(sum_u32, uint64_t, uint32_t, PLUS)
FOLD(sum_i64, uint64_t, int64_t, PLUS)
FOLD(sum_u64, uint64_t, uint64_t, PLUS)
NARROW_FOLD(count_8, uint8_t, uint8_t, ONE_MORE, 255)
NARROW_FOLD(count_16, uint16_t, uint16_t, ONE_MORE, 65535)
NARROW_FOLD(count_32, uint32_t, uint32_t, ONE_MORE, INT32_MAX)
NARROW_FOLD(count_f32, uint32_t, int32_t, SOME32, INT32_MAX)
FOLD(count_64, uint64_t, uint64_t, ONE_MORE)
FOLD(count_f64, uint64_t, int64_t, SOME64)
EXTREME_FOLDS(int8_t, i8)
EXTREME_FOLDS(uint8_t, u8)
EXTREME_FOLDS(int16_t, i16)
EXTREME_FOLDS(uint16_t, u16)
EXTREME_FOLDS(int32_t, i32)
EXTREME_FOLDS(uint32_t, u32)
EXTREME_FOLDS(int64_t, i64)
EXTREME_FOLDS(uint64_t, u64)
FLOAT_EXTREME_FOLDS(int32_t, 32)
FLOAT_EXTREME_FOLDS(int64_t, 64)

/* name(row of n elements of type T): the place of the first of the least (or the greatest) of them,
   by IS_LESS, or its value where that is asked for; n is at least 1. NaN comes before all others;
   -0 and +0 are equal. I is an unsigned integer of the size of T. Elements are looked at in blocks,
   of which the last may overlap the one before: an extreme may count twice, and what was not found
   before is not there. */
#define SEARCH(name, T, I, IS_LESS)                                                                \
    TARGET PP_INLINE T ISA(get_##name)(const char *x, int64_t k)                                   \
    {                                                                                              \
        T v;                                                                                       \
        memcpy(&v, x + k * (int64_t)sizeof v, sizeof v);                                           \
        return v;                                                                                  \
    }                                                                                              \
    TARGET PP_INLINE T ISA(best_##name)(const char *x, int64_t n, int width, bool *nan)            \
    {                                                                                              \
        T acc[PP_PLACES / sizeof(T)];                                                              \
        I odd[PP_PLACES / sizeof(T)], any = 0;                                                     \
        for (int j = 0; j < width; j++) {                                                          \
            const T v = ISA(get_##name)(x, n - width + j);                                         \
            acc[j] = v;                                                                            \
            odd[j] = v != v;                                                                       \
        }                                                                                          \
        for (int64_t k = 0; k + width < n; k += width) {                                           \
            for (int j = 0; j < width; j++) {                                                      \
                const T v = ISA(get_##name)(x, k + j);                                             \
                acc[j] = IS_LESS(v, acc[j]) ? v : acc[j];                                          \
                odd[j] |= v != v;                                                                  \
            }                                                                                      \
        }                                                                                          \
        for (int j = 0; j < width; j++)                                                            \
            any |= odd[j];                                                                         \
        *nan = any;                                                                                \
        for (int half = width / 2; half > 0; half /= 2)                                            \
            for (int j = 0; j < half; j++)                                                         \
                acc[j] = IS_LESS(acc[j + half], acc[j]) ? acc[j + half] : acc[j];                  \
        return acc[0];                                                                             \
    }                                                                                              \
    TARGET PP_INLINE int64_t ISA(first_##name)(const char *x, int64_t n, int width, bool nan,      \
                                               T best)                                             \
    {                                                                                              \
        for (int64_t k = 0;; k = k + 2 * width <= n ? k + width : n - width) {                     \
            I found = 0, place = (I)(width - 1);                                                   \
            for (int j = 0; j < width; j++) {                                                      \
                const T v = ISA(get_##name)(x, k + j);                                             \
                found |= nan ? v != v : v == best;                                                 \
            }                                                                                      \
            if (!found)                                                                            \
                continue;                                                                          \
            for (int j = 0; j < width; j++) {                                                      \
                const T v = ISA(get_##name)(x, k + j);                                             \
                const I here = (nan ? v != v : v == best) ? (I)j : (I)(width - 1);                 \
                place = here < place ? here : place;                                               \
            }                                                                                      \
            return k + place;                                                                      \
        }                                                                                          \
    }                                                                                              \
    TARGET PP_INLINE int64_t ISA(search_##name)(const char *x, int64_t n, int width,               \
                                                void *extreme)                                     \
    {                                                                                              \
        bool nan;                                                                                  \
        const T best = ISA(best_##name)(x, n, width, &nan);                                        \
        if (extreme) {                                                                             \
            const T value = nan ? (T)NAN : best;                                                   \
            memcpy(extreme, &value, sizeof value);                                                 \
            return 0;                                                                              \
        }                                                                                          \
        return PP_UNLIKELY(nan) ? ISA(first_##name)(x, n, width, true, best)                       \
                                : ISA(first_##name)(x, n, width, false, best);                     \
    }                                                                                              \
    TARGET static int64_t ISA(name)(const char *x, int64_t n, void *extreme)                       \
    {                                                                                              \
        enum { WIDE = 256 / sizeof(T), NARROW = 32 / sizeof(T) };                                  \
        if (n >= WIDE)                                                                             \
            return ISA(search_##name)(x, n, WIDE, extreme);                                        \
        return n >= NARROW ? ISA(search_##name)(x, n, NARROW, extreme)                             \
                           : ISA(search_##name)(x, n, 1, extreme);                                 \
    }

#define BELOW(a, b) ((a) < (b))
#define ABOVE(a, b) ((a) > (b))

#define SEARCHES(T, I, suffix)                                                                     \
    SEARCH(argmin_##suffix, T, I, BELOW)                                                           \
    SEARCH(argmax_##suffix, T, I, ABOVE)

SEARCHES(int8_t, uint8_t, i8)
SEARCHES(uint8_t, uint8_t, u8)
SEARCHES(int16_t, uint16_t, i16)
SEARCHES(uint16_t, uint16_t, u16)
SEARCHES(int32_t, uint32_t, i32)
SEARCHES(uint32_t, uint32_t, u32)
SEARCHES(int64_t, uint64_t, i64)
SEARCHES(uint64_t, uint64_t, u64)
SEARCHES(float, uint32_t, f32)
SEARCHES(double, uint64_t, f64)

/* By enum pp_type; for the greatest? */
pp_searcher *const ISA(pp_searchers)[PP_COMPLEX64][2] = {
#define ROW(suffix) {ISA(argmin_##suffix), ISA(argmax_##suffix)}
    [PP_BOOL] = ROW(u8),    [PP_INT8] = ROW(i8),     [PP_UINT8] = ROW(u8),    [PP_INT16] = ROW(i16),
    [PP_UINT16] = ROW(u16), [PP_INT32] = ROW(i32),   [PP_UINT32] = ROW(u32),  [PP_INT64] = ROW(i64),
    [PP_UINT64] = ROW(u64), [PP_FLOAT32] = ROW(f32), [PP_FLOAT64] = ROW(f64),
#undef ROW
};

/* `width` keys of the elements' type to elements, in place. */
TARGET void ISA(pp_elements)(enum pp_type type, int width, void *keys)
{
    int64_t *wide = keys;
    int32_t *narrow = keys;
    for (int j = 0; j < width && type == PP_FLOAT64; j++)
        wide[j] = pp_bits64(wide[j]);
    for (int j = 0; j < width && type == PP_FLOAT32; j++)
        narrow[j] = pp_bits32(narrow[j]);
}

/* By enum pp_type, and by enum pp_fold. */
pp_folder *const ISA(pp_folders)[PP_COMPLEX64][4] = {
#define ROW(suffix, bits)                                                                          \
    {ISA(sum_##suffix), ISA(count_##bits), ISA(min_##suffix), ISA(max_##suffix)}
    [PP_BOOL] = ROW(u8, 8),
    [PP_INT8] = ROW(i8, 8),
    [PP_UINT8] = ROW(u8, 8),
    [PP_INT16] = ROW(i16, 16),
    [PP_UINT16] = ROW(u16, 16),
    [PP_INT32] = ROW(i32, 32),
    [PP_UINT32] = ROW(u32, 32),
    [PP_INT64] = ROW(i64, 64),
    [PP_UINT64] = ROW(u64, 64),
    [PP_FLOAT32] = {NULL, ISA(count_f32), ISA(min_f32), ISA(max_f32)},
    [PP_FLOAT64] = {NULL, ISA(count_f64), ISA(min_f64), ISA(max_f64)},
#undef ROW
};

#undef SEARCH
#undef SEARCHES
#undef FOLD
#undef FOLD_ROWS
#undef AHEAD
#undef NARROW_FOLD
#undef EXTREME_FOLDS
#undef FLOAT_EXTREME_FOLDS
