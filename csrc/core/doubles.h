/* The elements of an array as float64, a piece at a time. */
#ifndef PP_DOUBLES_H
#define PP_DOUBLES_H

#include "pp.h"

enum {
    PP_PIECE = 512, /* elements at a time, at most */
    PP_ROUND = 8,   /* pieces may be read up to a multiple of this: of every variant's vectors */
};

/* Up to *n elements from `start` on, in C index order: where they are, in `buffer` unless they can
   be read in place; *n says how many. The last is repeated up to a multiple of PP_ROUND. */
const double *pp_doubles(const pp_view *view, int64_t start, int64_t *n, double buffer[PP_PIECE]);

/* n elements of the type and byte order of the view, `stride` bytes apart. */
void pp_load_doubles(const pp_view *view, const char *from, int64_t stride, int64_t n, double *to);

#endif
