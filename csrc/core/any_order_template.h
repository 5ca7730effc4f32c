/* Folds whose order is free, for one instruction set: ISA(name) gives `name` the variant's suffix,
   TARGET is the function attribute that turns the instruction set on.

   Row after row of `width` elements is folded into as many accumulators, in plain loops that the
   compiler turns into vectors. Sums and counts have int64 accumulators, extremes those of the
   elements' type. */

#define ROWS 8

/* all_name: folds rows, some at a time, with some_name(accumulators, x, row, rows, width). Of wide
   rows the hardware foresees the rest. */
#define FOLD_ALL(name, A, T)                                                                       \
    TARGET PP_INLINE void ISA(all_##name)(A * acc, const char *x, int64_t row, int64_t rows,       \
                                          int width)                                               \
    {                                                                                              \
        const int bytes = width * (int)sizeof(T);                                                  \
        for (; rows >= ROWS; rows -= ROWS, x += ROWS * row) {                                      \
            for (int r = 0; r < ROWS && bytes <= PP_PLACES; r++)                                   \
                for (int p = 0; p < bytes; p += 64)                                                \
                    PP_PREFETCH(x + (ROWS + r) * row + p);                                         \
            ISA(some_##name)(acc, x, row, ROWS, width);                                            \
        }                                                                                          \
        for (; rows >= 2; rows -= 2, x += 2 * row)                                                 \
            ISA(some_##name)(acc, x, row, 2, width);                                               \
        if (rows > 0)                                                                              \
            ISA(some_##name)(acc, x, row, 1, width);                                               \
    }

/* acc = NEXT(acc, element), for accumulators of type A, elements of type T. */
#define FOLD_SOME(name, A, T, NEXT)                                                                \
    TARGET PP_INLINE void ISA(some_##name)(A *restrict acc, const char *x, int64_t row, int rows,  \
                                           int width)                                              \
    {                                                                                              \
        for (int j = 0; j < width; j++, x += sizeof(T)) {                                          \
            A next = acc[j];                                                                       \
            for (int r = 0; r < rows; r++) {                                                       \
                T v;                                                                               \
                memcpy(&v, x + r * row, sizeof v);                                                 \
                next = NEXT(next, v);                                                              \
            }                                                                                      \
            acc[j] = next;                                                                         \
        }                                                                                          \
    }                                                                                              \
    FOLD_ALL(name, A, T)

/* The same for rows of PP_PLACES bytes of accumulators, which the compiler keeps in registers. */
#define FOLD_ROWS(name, A, T, NEXT)                                                                \
    TARGET PP_INLINE void ISA(rows_##name)(A *restrict acc, const char *x, int64_t row,            \
                                           int64_t rows, int width)                                \
    {                                                                                              \
        for (int64_t r = 0; r < rows; r++, x += row) {                                             \
            for (int p = 0; p < width * (int)sizeof(T); p += 64)                                   \
                PP_PREFETCH(x + PP_FAR + p);                                                       \
            for (int j = 0; j < width; j++) {                                                      \
                T v;                                                                               \
                memcpy(&v, x + j * (int64_t)sizeof v, sizeof v);                                   \
                acc[j] = NEXT(acc[j], v);                                                          \
            }                                                                                      \
        }                                                                                          \
    }

/* The folder of that name. */
#define FOLD(name, A, T, NEXT)                                                                     \
    FOLD_SOME(name, A, T, NEXT)                                                                    \
    FOLD_ROWS(name, A, T, NEXT)                                                                    \
    TARGET static void ISA(name)(void *accumulators, const char *x, int64_t row, int64_t rows,     \
                                 int width)                                                        \
    {                                                                                              \
        enum { WIDTH = PP_PLACES / sizeof(A) };                                                    \
        if (width != WIDTH) {                                                                      \
            ISA(all_##name)(accumulators, x, row, rows, width);                                    \
            return;                                                                                \
        }                                                                                          \
        A acc[WIDTH];                                                                              \
        memcpy(acc, accumulators, sizeof acc);                                                     \
        ISA(rows_##name)(acc, x, row, rows, WIDTH);                                                \
        memcpy(accumulators, acc, sizeof acc);                                                     \
    }

/* The folder of a sum that stays within the narrower type B for `most` rows: more of those fit into
   a vector. */
#define NARROW_FOLD(name, B, T, NEXT, most)                                                        \
    FOLD_SOME(name, uint64_t, T, NEXT)                                                             \
    FOLD_ROWS(narrow_##name, B, T, NEXT)                                                           \
    TARGET static void ISA(name)(void *accumulators, const char *x, int64_t row, int64_t rows,     \
                                 int width)                                                        \
    {                                                                                              \
        enum { WIDTH = PP_PLACES / sizeof(uint64_t) };                                             \
        uint64_t *acc = accumulators;                                                              \
        if (width != WIDTH) {                                                                      \
            ISA(all_##name)(acc, x, row, rows, width);                                             \
            return;                                                                                \
        }                                                                                          \
        for (int64_t r = 0; r < rows; r += (most)) {                                               \
            const int64_t some = rows - r < (most) ? rows - r : (most);                            \
            B part[WIDTH] = {0};                                                                   \
            ISA(rows_narrow_##name)(part, x + r * row, row, some, WIDTH);                          \
            for (int j = 0; j < WIDTH; j++)                                                        \
                acc[j] += (uint64_t)(int64_t)part[j];                                              \
        }                                                                                          \
    }

#define LESS(a, b)     ((a) < (b) ? (a) : (b))
#define MORE(a, b)     ((a) > (b) ? (a) : (b))
#define PLUS(a, b)     ((a) + (uint64_t)(b))
#define ONE_MORE(a, b) ((a) + ((b) != 0))
#define SOME64(a, b)   ONE_MORE(a, (b) & INT64_MAX)
#define SOME32(a, b)   ONE_MORE(a, (b) & INT32_MAX)

#define EXTREME_FOLDS(T, suffix)                                                                   \
    FOLD(min_##suffix, T, T, LESS)                                                                 \
    FOLD(max_##suffix, T, T, MORE)

/* The folder of extremes in floating point, of elements of type T with the bits of type I.
   BETTER(a, b) is a where it is before b, else b, and so b where one is NaN, which is noticed
   apart. Where the extreme is a zero, no other element has a sign that differs from the signs of
   zeros: EITHER tells which of them is there, for -0 comes before +0. In rows of PP_NEAR bytes
   memory is read in order. */
#define FLOAT_FOLD(name, T, I, BETTER, EITHER, nan)                                                \
    TARGET PP_INLINE void ISA(some_##name)(T *restrict acc, const char *x, int64_t row, int rows,  \
                                           int width)                                              \
    {                                                                                              \
        for (int j = 0; j < width; j++, x += sizeof(T)) {                                          \
            T best, odd = 0, v;                                                                    \
            I either, bits, result;                                                                \
            memcpy(&best, x, sizeof best);                                                         \
            memcpy(&either, x, sizeof either);                                                     \
            for (int r = 0; r < rows; r++) {                                                       \
                memcpy(&v, x + r * row, sizeof v);                                                 \
                memcpy(&bits, x + r * row, sizeof bits);                                           \
                best = BETTER(v, best);                                                            \
                odd = v != v ? v : odd;                                                            \
                either = either EITHER bits;                                                       \
            }                                                                                      \
            memcpy(&bits, &acc[j], sizeof bits);                                                   \
            best = BETTER(best, acc[j]);                                                           \
            either = either EITHER bits;                                                           \
            memcpy(&result, &best, sizeof result);                                                 \
            result = best == 0 ? either & ~(~(I)0 >> 1) : result;                                  \
            result = odd != odd ? (nan) : result;                                                  \
            memcpy(&acc[j], &result, sizeof result);                                               \
        }                                                                                          \
    }                                                                                              \
    FOLD_ALL(name, T, T)                                                                           \
    TARGET static void ISA(name)(void *accumulators, const char *x, int64_t row, int64_t rows,     \
                                 int width)                                                        \
    {                                                                                              \
        enum { NEAR = PP_NEAR / sizeof(T), MANY = 2 * ROWS };                                      \
        for (; rows >= MANY && width == NEAR && row == PP_NEAR;                                    \
             rows -= MANY, x += MANY * PP_NEAR) {                                                  \
            for (int p = 0; p < MANY * PP_NEAR; p += 64)                                           \
                PP_PREFETCH(x + PP_FAR + p);                                                       \
            ISA(some_##name)(accumulators, x, PP_NEAR, MANY, NEAR);                                \
        }                                                                                          \
        ISA(all_##name)(accumulators, x, row, rows, width);                                        \
    }

#define FLOAT_EXTREME_FOLDS(T, I, bits, nan)                                                       \
    FLOAT_FOLD(min_f##bits, T, I, LESS, |, nan)                                                    \
    FLOAT_FOLD(max_f##bits, T, I, MORE, &, nan)

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
FLOAT_EXTREME_FOLDS(float, uint32_t, 32, UINT32_C(0x7fc00000))
FLOAT_EXTREME_FOLDS(double, uint64_t, 64, UINT64_C(0x7ff8000000000000))

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
#undef FOLD_ALL
#undef FOLD_SOME
#undef FOLD_ROWS
#undef NARROW_FOLD
#undef EXTREME_FOLDS
#undef FLOAT_FOLD
#undef ROWS
#undef FLOAT_EXTREME_FOLDS
