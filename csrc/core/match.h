/* What the variants and the methods of tile matching share. */
#ifndef PP_MATCH_H
#define PP_MATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "pp.h"
#include "rows.h"

enum { PP_PACKET = 16 }; /* targets that are matched together, one a lane */

/* Some targets, and the nearest tile to each that has been seen. */
typedef struct pp_packet {
    double distance[PP_PACKET];
    double number[PP_PACKET]; /* of the tile; above all others at first */
    double *features;         /* [length][PP_PACKET] */
} pp_packet;

/* Tiles, one after another, with their numbers in the caller's order. */
typedef struct pp_tiles {
    double *features; /* [count][length] */
    uint8_t *bytes;   /* these instead, where no more is needed */
    double *numbers;
    int64_t count, length;
} pp_tiles;

/* A k-d tree whose leaves lie side by side. Node 1 is the root; the children of node k are 2 * k
   and 2 * k + 1, and the leaves the nodes from 2^levels on. */
typedef struct pp_kd_tree {
    const pp_tiles *tiles; /* in the order of the leaves */
    int levels;
    int32_t *first;    /* tile of a leaf: [2^levels + 1] */
    double *boxes;     /* of a node: the least number of a tile, the least of each feature, and the
                          greatest: [2^(levels + 1)][1 + 2 * length] */
    int32_t *feature;  /* by which an inner node is split */
    double *threshold; /* above it, to the right */
} pp_kd_tree;

/* How far a search has come: the nodes that are still to be looked at. */
typedef struct pp_kd_search {
    int nodes;
    int32_t node[40];
} pp_kd_search;

/* Bring the tiles into the order of a tree over them, and put it into `tree`, to be freed in any
   case. */
enum pp_status pp_kd_build(pp_tiles *tiles, pp_kd_tree *tree, const pp_run *run);
void pp_kd_free(pp_kd_tree *tree);
/* The leaf on whose side of all thresholds each of these rows lies. */
void pp_kd_locate(const pp_kd_tree *tree, const double *rows, int64_t count, int32_t *leaves);

/* One call, and the round of it that is going on: some of the targets. */
typedef struct pp_match_job {
    pp_tiles tiles;
    pp_kd_tree tree;
    bool by_tree, in_integers;
    int64_t *indices; /* the results */
    void *distances;
    double *rows;   /* the targets of the round, from `begin` on */
    uint8_t *bytes; /* these instead, as of the tiles */
    int64_t begin, count;
    int32_t *queue; /* those that codes are for, in the order in which they are taken */
    int32_t *order; /* those of them to be matched by packets, counted from `begin` */
    int64_t listed; /* in `order` */
} pp_match_job;

static inline void pp_put_match(const pp_match_job *job, int64_t target, double distance,
                                double number)
{
    job->indices[job->begin + target] = (int64_t)number;
    if (job->in_integers)
        ((int64_t *)job->distances)[job->begin + target] = (int64_t)distance;
    else
        ((double *)job->distances)[job->begin + target] = distance;
}

/* How many threads are worth their start, for so many items that take so many operations? */
int pp_match_workers(int64_t items, double operations);

/* Match the targets that are listed, by the tree or by comparing all tiles. */
enum pp_status pp_match_packets(const pp_match_job *job, const pp_run *run);

/* Take the tiles first … stop - 1 into account. */
typedef void pp_scan_tiles_kernel(pp_packet *packet, const pp_tiles *tiles, int64_t first,
                                  int64_t stop);
/* Go on with a search; after about so many steps, come back. */
typedef void pp_search_tree_kernel(pp_packet *packet, const pp_kd_tree *tree, pp_kd_search *search,
                                   int64_t steps);

typedef struct pp_match_kernels {
    pp_scan_tiles_kernel *scan_tiles;
    pp_search_tree_kernel *search_tree;
} pp_match_kernels;
extern const pp_match_kernels pp_match_baseline, pp_match_avx2, pp_match_avx512, pp_match_neon;

#endif
