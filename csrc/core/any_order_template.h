/* Folds whose order is free, for one instruction set: ISA(name) gives `name` the variant's suffix,
   TARGET is the function attribute that turns the instruction set on.

   Row after row of `width` elements is folded into as many accumulators, in plain loops that the
   compiler turns into vectors. Sums and counts have int64 accumulators; extremes have keys: the
   integers themselves, or for floating point integers in the same order, such that NaN comes first
   for a minimum and last for a maximum. */

/* name(accumulators of type A, elements of type T): acc = NEXT(acc, element). In the row of
   PP_PLACES bytes of accumulators the compiler keeps them in registers. */
#define FOLD(name, A, T, NEXT)                                                                     \
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
    }                                                                                              \
    TARGET static void ISA(name)(void *accumulators, const char *x, int64_t row, int64_t rows,     \
                                 int width)                                                        \
    {                                                                                              \
        enum { WIDTH = PP_PLACES / sizeof(A) };                                                    \
        if (width != WIDTH) {                                                                      \
            ISA(rows_##name)(accumulators, x, row, rows, width, PP_LEAD * row);                    \
            return;                                                                                \
        }                                                                                          \
        A acc[WIDTH];                                                                              \
        memcpy(acc, accumulators, sizeof acc);                                                     \
        ISA(rows_##name)(acc, x, row, rows, WIDTH, PP_FAR);                                        \
        memcpy(accumulators, acc, sizeof acc);                                                     \
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

#define INTEGER_FOLDS(T, suffix)                                                                   \
    FOLD(sum_##suffix, uint64_t, T, PLUS)                                                          \
    FOLD(count_##suffix, uint64_t, T, ONE_MORE)                                                    \
    FOLD(min_##suffix, T, T, LESS)                                                                 \
    FOLD(max_##suffix, T, T, MORE)
#define FLOAT_FOLDS(T, bits)                                                                       \
    FOLD(count_f##bits, uint64_t, T, SOME##bits)                                                   \
    FOLD(min_f##bits, T, T, LESS##bits)                                                            \
    FOLD(max_f##bits, T, T, MORE##bits)

INTEGER_FOLDS(int8_t, i8)
INTEGER_FOLDS(uint8_t, u8)
INTEGER_FOLDS(int16_t, i16)
INTEGER_FOLDS(uint16_t, u16)
INTEGER_FOLDS(int32_t, i32)
INTEGER_FOLDS(uint32_t, u32)
INTEGER_FOLDS(int64_t, i64)
INTEGER_FOLDS(uint64_t, u64)
FLOAT_FOLDS(int32_t, 32)
FLOAT_FOLDS(int64_t, 64)

/* By enum pp_type, and by enum pp_fold. */
pp_folder *const ISA(pp_folders)[PP_COMPLEX64][4] = {
#define ROW(suffix) {ISA(sum_##suffix), ISA(count_##suffix), ISA(min_##suffix), ISA(max_##suffix)}
    [PP_BOOL] = ROW(u8),
    [PP_INT8] = ROW(i8),
    [PP_UINT8] = ROW(u8),
    [PP_INT16] = ROW(i16),
    [PP_UINT16] = ROW(u16),
    [PP_INT32] = ROW(i32),
    [PP_UINT32] = ROW(u32),
    [PP_INT64] = ROW(i64),
    [PP_UINT64] = ROW(u64),
    [PP_FLOAT32] = {NULL, ISA(count_f32), ISA(min_f32), ISA(max_f32)},
    [PP_FLOAT64] = {NULL, ISA(count_f64), ISA(min_f64), ISA(max_f64)},
#undef ROW
};

#undef FOLD
#undef INTEGER_FOLDS
#undef FLOAT_FOLDS
