/* What the parts of the assignment share: the problem with equal rows merged, and the auction. */
#ifndef PP_ASSIGN_H
#define PP_ASSIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "pp.h"
#include "match.h"
#include "match_dense.h"

enum {
    PP_TILE_ROUND = 8,  /* columns of tiles are padded to a multiple of this */
    PP_LIST_WIDTH = 24, /* of candidate lists, at most */
    PP_WIDE = 8,        /* nodes of the tree that are compared at a time */
    PP_SHRINK = 8,      /* epsilon, from phase to phase */
    PP_STRETCH = 128,   /* tiles that are compared between two looks at what was found */
    PP_RESERVE = -1,    /* the owner of a unit that no target has, but that was bid for */
};

/* Which rows of a matrix are equal: each stands for all rows that are. */
typedef struct pp_merged {
    int32_t *of;     /* [rows]: the number of its group, in the order of first appearance */
    int32_t *size;   /* [count] */
    double *rows;    /* [count][length]; or else */
    uint8_t *bytes;  /* where all are uint8, and no more is needed */
    int32_t *from;   /* of a sample: the groups that it is of */
    int64_t members; /* all rows */
    int32_t count;
    int64_t length;
} pp_merged;

/* A unit of a tile that was bid for. */
typedef struct pp_unit {
    double price, cost; /* of its owner */
    int32_t owner;      /* a group of targets, or PP_RESERVE */
} pp_unit;

/* The units of a tile: `fresh` ones that nobody has bid for at their floor price, and the used
   ones, a heap with the cheapest first. */
typedef struct pp_lot {
    double floor;
    int32_t capacity, fresh, used, room;
    pp_unit *units; /* &one, until a second is used */
    pp_unit one;
} pp_lot;

/* The tiles that are best for a group of targets: all others had a price and distance that came to
   `rest` or more when the list was made, and prices only rise. */
typedef struct pp_list {
    double rest;
    int32_t count;
} pp_list;

typedef struct pp_candidate {
    double value, cost;
    int32_t tile;
} pp_candidate;

/* Codes of the tiles, and the bounds or the long lists that they make: with many features. */
typedef struct pp_codes_of_tiles {
    bool usable; /* else there are none */
    pp_dense dense;
    pp_tiles rows;
    uint16_t *bounds; /* [targets][stride], see assign_bounds.c; or else */
    int64_t stride;
    double scale;
    pp_list *lists;   /* [targets] */
    double *residual; /* no target is further from its codes */
    int32_t *listed;  /* tiles */
    int32_t *squares; /* costs, of uint8 */
    float *least;     /* else no cost is less */
} pp_codes_of_tiles;

/* A k-d tree over the tiles, which are numbered as they lie in it; none with many features. Node 1
   is the root, those from 2^levels on are leaves. */
typedef struct pp_price_tree {
    pp_kd_tree kd;
    int64_t length;
    double *least;    /* of a node: price above the slope */
    double *slope;    /* of prices: [nodes][length] */
    double *wide;     /* nodes side by side: see pp_near_nodes_kernel */
    double square;    /* no distance to the corner of a box is greater */
    int32_t *leaf;    /* of a tile */
    int32_t *changed; /* tiles whose price has; NULL: there is no tree */
    int64_t changes;  /* with many, all nodes are computed anew */
} pp_price_tree;

/* A search: leaves, and nodes whose children are to be looked at, the nearest last. */
typedef struct pp_tree_step {
    int32_t node;
    double least;
} pp_tree_step;
typedef struct pp_tree_walk {
    int depth;
    pp_tree_step steps[128];
} pp_tree_walk;

/* Units at the same price. */
typedef struct pp_ask {
    double price;
    int64_t units;
} pp_ask;

typedef struct pp_auction {
    pp_merged targets, tiles;
    bool is_exact;   /* all are uint8 */
    double *columns; /* the tiles' features: [length][stride]; none where there are codes */
    double *price;   /* of the cheapest unit of a tile: [stride], infinite behind the last */
    int64_t stride;
    pp_lot *lots; /* [tiles] */
    pp_price_tree tree;
    pp_codes_of_tiles codes;
    double large; /* a distance, no less than a ninth of the greatest */
    double epsilon;
    bool is_open; /* groups look for tiles that they don't have */

    int32_t width;       /* of a list */
    pp_list *lists;      /* [targets] */
    int32_t *listed;     /* tiles: [targets][width] */
    double *listed_cost; /* [targets][width] */
    int32_t *unassigned; /* of each group: how many of its targets have no tile */
    int32_t *queue;      /* groups that can bid, the last first */
    int32_t *waiting;    /* groups that need a new list */
    bool *is_queued;     /* in one of the two */
    bool *is_worn;       /* of a group that waits: its long list is no use any more */
    int32_t queued, waits;
    pp_ask *asks;    /* [members + tiles], for the reserve */
    double *scratch; /* [members + 1] */

    int64_t surplus; /* units that no target needs */
    int64_t units;   /* all */
    bool no_memory;
    bool is_stuck; /* a price is too large for epsilon to make a difference */

    pp_run run; /* with its own poll, which counts thousandths */
    const pp_run *callers;
    double last_poll;
    int64_t thousandths;
} pp_auction;

/* Run a job; poll the caller, if that is due, after it. */
struct pp_job;
enum pp_status pp_auction_run(pp_auction *a, const struct pp_job *job);

/* Read and merge; `finite` becomes false if some number is not. To be freed in any case. */
enum pp_status pp_merge_rows(pp_auction *a, const pp_rows *rows, pp_merged *merged, bool *finite);
void pp_merged_free(pp_merged *merged);

/* Renumbers the targets and tiles, where a tree pays. */
enum pp_status pp_tree_build(pp_auction *a);
void pp_tree_free(pp_auction *a);
/* The price of this tile has changed; and: take all such changes into account. */
void pp_tree_note(pp_auction *a, int32_t tile);
void pp_tree_update(pp_auction *a);
/* Prices rise towards the owners of tiles, a row for each, or none (-1). */
void pp_tree_lean(pp_auction *a, const double *rows, const int32_t *owners);
/* The next tiles, first … stop - 1, of which some may have a cost + price up to `cutoff`. */
void pp_tree_begin(const pp_auction *a, pp_tree_walk *walk);
bool pp_tree_next(const pp_auction *a, const double *target, double cutoff, pp_tree_walk *walk,
                  int64_t *first, int64_t *stop);

/* Make a problem of merged rows ready; to be freed in any case. */
enum pp_status pp_auction_prepare(pp_auction *a, int64_t max_uses);
void pp_auction_free(pp_auction *a);
/* Prices and epsilon to begin with. */
enum pp_status pp_start_prices(pp_auction *a);
/* The next power of two above. */
double pp_power_of_two(double x);

/* The price of the cheapest unit of this tile that the group can bid for: not one of its own. */
double pp_offer_price(const pp_auction *a, int32_t group, int32_t tile);
/* The `wanted` least of n first; the greatest value of these. */
double pp_select_least(pp_candidate *a, int n, int wanted);

/* Codes, where there are many features. */
enum pp_status pp_codes_build(pp_auction *a);
void pp_codes_free(pp_auction *a);
/* The codes of a target, laid out for dot products, and as bytes, unless it consists of these; what
   they leave out, and the sum of their squares. */
int64_t pp_target_codes(const pp_auction *a, int32_t group, int32_t *to, uint8_t *bytes,
                        double *residual);
/* No distance is less, where the codes of the target have this one. */
double pp_least_cost(const pp_dense *dense, double residual, double square);

/* Bounds of all costs, if they fit into so many numbers: less than usual for tests. */
extern int64_t pp_bounds_budget;
bool pp_bounds_fit(const pp_auction *a);
enum pp_status pp_bounds_build(pp_auction *a);
/* Of the tiles from the first on, those with bound + price <= cutoff; how many those are. */
int pp_near_bounds_of(const pp_auction *a, int32_t group, int64_t first, int64_t count,
                      double cutoff, int32_t *hits);
double pp_bound_of(const pp_auction *a, int32_t group, int32_t tile);
void pp_put_bound(const pp_auction *a, int32_t group, int32_t tile, double cost);
/* The true cost: it replaces the bound. */
double pp_tighten_bound(const pp_auction *a, int32_t group, int32_t tile);

/* For all groups that wait. */
enum pp_status pp_renew_long_lists(pp_auction *a);
/* The tiles in a long list, and what the k-th costs at least. */
int64_t pp_long_list(const pp_auction *a, int32_t group, const int32_t **tiles);
double pp_long_list_cost(const pp_auction *a, int32_t group, int64_t k);
void pp_long_list_put(const pp_auction *a, int32_t group, int64_t k, double cost);

/* New lists for the groups that wait; they are queued then. */
enum pp_status pp_renew_lists(pp_auction *a);

/* Bid until every target has a tile, at the present epsilon. */
enum pp_status pp_auction_phase(pp_auction *a);

/* The certificate: prices of at least 0, and the bound on every assignment that they prove,

       sum over targets of min over tiles of (cost + price)  -  sum over units of price.

   Of uint8 all costs are integers: so are prices and bound then. Else rounding may have raised
   the bound, before it was taken off, by the error. */
enum pp_status pp_prove(pp_auction *a, double *prices, double *bound, double *error);
/* A price that no unit which is left over exceeds. */
double pp_lowest_price(const pp_auction *a);
/* The least cost + price for a group, with these prices, of which `lowest` has been taken off. */
double pp_least_value(const pp_auction *a, int32_t group, const double *prices, double lowest);
double pp_assigned_cost(const pp_auction *a);

/* Costs of tiles first … first + count - 1 (at most PP_STRETCH) for a target, and which of them
   have cost + price <= cutoff; how many those are. */
typedef int pp_near_tiles_kernel(const double *target, const double *columns, int64_t stride,
                                 int64_t length, const double *price, int64_t count, double cutoff,
                                 double *cost, int32_t *hits);
/* What no cost + price below each of PP_WIDE nodes is lower than, and which may reach the cutoff. A
   node's numbers stand one lane after another: the least of each feature in its box, the greatest,
   half the slope of prices, and the least price above the slope at the corner, less a small part
   for rounding and the square of half the slope. */
typedef uint64_t pp_near_nodes_kernel(const double *wide, const double *target, int64_t length,
                                      double cutoff, double *least);
/* The squared distance of two rows, in a fixed order of summation. */
typedef double pp_row_distance_kernel(const double *a, const double *b, int64_t length);
typedef int32_t pp_byte_distance_kernel(const uint8_t *a, const uint8_t *b, int64_t length);
/* Of `count` tiles those with bound + price <= cutoff: see assign_bounds.c for what the bits of a
   bound mean. */
typedef int pp_near_bounds_kernel(const uint16_t *bounds, double scale, const double *price,
                                  int64_t count, double cutoff, int32_t *hits);
extern pp_byte_distance_kernel pp_byte_distance_baseline, pp_byte_distance_avx2,
    pp_byte_distance_avx512, pp_byte_distance_neon;
extern pp_near_bounds_kernel pp_near_bounds_baseline, pp_near_bounds_avx2, pp_near_bounds_avx512,
    pp_near_bounds_neon;
extern pp_row_distance_kernel pp_row_distance_baseline, pp_row_distance_avx2,
    pp_row_distance_avx512, pp_row_distance_neon;
extern pp_near_nodes_kernel pp_near_nodes_baseline, pp_near_nodes_avx2, pp_near_nodes_avx512,
    pp_near_nodes_neon;
extern pp_near_tiles_kernel pp_near_tiles_baseline, pp_near_tiles_avx2, pp_near_tiles_avx512,
    pp_near_tiles_neon;

#endif
