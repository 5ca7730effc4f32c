/* What the variants and the methods of tile matching share. */
#ifndef PP_MATCH_H
#define PP_MATCH_H

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
    const double *features; /* [count][length] */
    const double *numbers;
    int64_t count, length;
} pp_tiles;

/* Take the tiles first … stop - 1 into account. */
typedef void pp_scan_tiles_kernel(pp_packet *packet, const pp_tiles *tiles, int64_t first,
                                  int64_t stop);
pp_scan_tiles_kernel pp_scan_tiles_baseline, pp_scan_tiles_avx2, pp_scan_tiles_avx512,
    pp_scan_tiles_neon;

#endif
