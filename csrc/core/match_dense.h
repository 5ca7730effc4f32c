/* Matching tiles of many features: integer dot products find the few that may be nearest. */
#ifndef PP_MATCH_DENSE_H
#define PP_MATCH_DENSE_H

#include "match.h"

enum {
    PP_DENSE_FEATURES = 1 << 14, /* with more, sums might not fit into 32 bits */
    PP_DENSE_STEP = 4,
    PP_DENSE_TARGETS = 32, /* that go past the tiles together: so often are those loaded once */
};

/* What rounding adds is less, relative to distances: see match_codes.c. */
#define PP_SLACK 1e-9
/* The norm of no tile. */
#define PP_FAR_AWAY (INT32_MAX - 1)

/* The tiles as codes of 8 bits, laid out for an instruction set. The score of a tile is its norm
   and twice the dot product of its codes with those of a target. */
typedef struct pp_codes {
    int32_t *dots;   /* the codes: [vectors][groups][lanes of a vector], DOT_OF in each */
    int32_t *norms;  /* [vectors][lanes] */
    int32_t *halves; /* of the norms, rounded down */
    int64_t groups;  /* of DOT_OF features */
    int64_t vectors; /* of tiles */
} pp_codes;

typedef struct pp_dense_kernels {
    int lanes, dot_of;
    /* The least half of a score in each lane, of the tiles in these vectors, for each of so many
       targets, a multiple of PP_DENSE_STEP: to least[target * stride]; and the least
       of what was there and that, to ever[target * lanes]. */
    void (*least)(const pp_codes *tiles, int64_t first, int64_t stop, const int32_t *targets,
                  int64_t count, int32_t *least, int64_t stride, int32_t *ever);
    int32_t (*minimum)(const int32_t *vector); /* the least lane */
    /* The first of the vectors `from` … n - 1 with a lane that is at most the limit; or n. */
    int64_t (*find)(const int32_t *vectors, int64_t from, int64_t n, int32_t limit);
    /* The tiles in these vectors whose scores are at most the limit; how many they are. */
    int64_t (*candidates)(const pp_codes *tiles, int64_t first, int64_t stop, const int32_t *target,
                          int32_t limit, int32_t *numbers, int32_t *scores);
    /* The halves of the scores of all tiles in these vectors, a multiple of 4, for each of so many
       targets, a multiple of PP_DENSE_STEP: from to[target * stride] on. */
    void (*halves)(const pp_codes *tiles, int64_t first, int64_t stop, const int32_t *targets,
                   int64_t count, int32_t *to, int64_t stride);
} pp_dense_kernels;
extern const pp_dense_kernels pp_dense_baseline, pp_dense_avx2, pp_dense_avx512,
    pp_dense_avx512vnni, pp_dense_neon;

/* Tiles that have been made ready. */
typedef struct pp_dense {
    const pp_tiles *tiles;
    pp_codes codes;
    double *low;     /* of a feature: its code 0 */
    double step;     /* from one code to the next */
    bool is_exact;   /* the codes are the features */
    double residual; /* no tile is further from its codes */
    int32_t *order;  /* the tile at each place: nearly by the sums of their features */
    int32_t *sums;   /* of a block: the least sum of the codes of a tile, and the greatest */
    int64_t block;   /* vectors whose least scores are kept together */
    int64_t blocks;
} pp_dense;

/* The targets of the first round are there already: as the tiles, they say what the codes must
   reach to. Sets *usable to false where codes cannot tell these tiles apart. To be freed in any
   case. */
enum pp_status pp_dense_build(pp_dense *dense, const pp_match_job *job, bool *usable,
                              const pp_run *run);
/* The codes of a row; returns a bound of its distance from them. */
double pp_encode(const pp_dense *dense, const double *row, uint8_t *codes);
/* The codes of a target as the kernels multiply them: w, see match_dense.c. */
void pp_put_target(int32_t *to, const uint8_t *codes, int64_t length);
int32_t pp_sum_of_codes(const uint8_t *codes, int64_t length);
int32_t pp_square_of_codes(const uint8_t *codes, int64_t length);

/* The order of these rows, bytes or else doubles, by the sums of their features, nearly. */
void pp_sort_by_sum(const uint8_t *bytes, const double *rows, int64_t count, int64_t length,
                    int32_t *order);
void pp_dense_free(pp_dense *dense);

/* Match the targets of the round, but for those to which so many tiles may be nearest that all
   distances are computed sooner: these are listed. */
enum pp_status pp_match_dense(const pp_dense *dense, pp_match_job *job, const pp_run *run);

#endif
