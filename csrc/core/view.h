/* Walking through array views in C index order. */
#ifndef PP_VIEW_H
#define PP_VIEW_H

#include "pp.h"

/* Join neighbouring dimensions that lie in memory like one, so that runs get long.
   The C index order of the elements stays. */
void pp_view_coalesce(pp_view *view);
int64_t pp_view_size(const pp_view *view);
/* Byte offsets of elements start, start + 1, … start + n - 1. */
void pp_view_offsets(const pp_view *view, int64_t start, int n, int64_t *offsets);
/* The elements at these offsets as float64 parts; the imaginary part of a real type is 0. */
void pp_view_load_complex(const pp_view *view, const int64_t *offsets, int n, double *re,
                          double *im);

#endif
