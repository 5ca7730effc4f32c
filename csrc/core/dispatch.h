/* One table of kernels per instruction set; `pp_kernels` is the one in use. */
#ifndef PP_DISPATCH_H
#define PP_DISPATCH_H

#include "assign.h"
#include "fractal.h"
#include "fsum.h"
#include "histogram.h"
#include "lab.h"
#include "match.h"
#include "match_dense.h"
#include "philox.h"
#include "reduce.h"
#include "tiles.h"
#include "turned.h"

typedef struct pp_kernel_table {
    const char *name;
    unsigned needs; /* enum pp_cpu */
    pp_escape_kernel *escape;
    pp_pi_kernel *pi;
    const pp_fsum_kernels *fsum;
    pp_flops_kernel *flops;
    const pp_tree_kernels *tree;
    const pp_turned_kernels *turned;
    pp_folder *const (*folders)[4];     /* by enum pp_type, and by enum pp_fold */
    pp_searcher *const (*searchers)[2]; /* by enum pp_type; for the greatest? */
    pp_find_bins_kernel *find_bins;
    const pp_match_kernels *match;
    pp_near_tiles_kernel *near_tiles;
    pp_near_nodes_kernel *near_nodes;
    pp_row_distance_kernel *row_distance;
    pp_near_bounds_kernel *near_bounds;
    pp_byte_distance_kernel *byte_distance;
    pp_add_rows_kernel *add_rows;
    const pp_dense_kernels *dense; /* with its own variant for VNNI */
} pp_kernel_table;

extern const pp_kernel_table *pp_kernels;

#endif
