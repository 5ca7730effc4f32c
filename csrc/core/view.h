/* Walking through array views in C index order. */
#ifndef PP_VIEW_H
#define PP_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "pp.h"

/* Join neighbouring dimensions that lie in memory like one, so that runs get long.
   The C index order of the elements stays. */
void pp_view_coalesce(pp_view *view);
/* The same for the dimensions from `first`. */
void pp_view_coalesce_from(pp_view *view, int first);
/* Reorder the dimensions, and turn them round, to lie as in memory; for those whom the order of the
   elements does not concern. Coalesces too. */
void pp_view_in_memory_order(pp_view *view);
int64_t pp_view_size(const pp_view *view);
/* Byte offsets of elements start, start + 1, … start + n - 1. */
void pp_view_offsets(const pp_view *view, int64_t start, int n, int64_t *offsets);
/* Byte offset of an index that counts through dimensions first … end - 1, and how many of the next
   follow at even distances. */
int64_t pp_view_offset(const pp_view *view, int first, int end, int64_t index, int64_t *follow);
/* Bytes of an element of a real type; of a complex type, of each of its two parts. */
int pp_type_size(enum pp_type type);
bool pp_is_floating(enum pp_type type); /* of the real types */
/* The elements of a real type at these offsets, one after another in this machine's byte order. */
void pp_view_gather(const pp_view *view, const int64_t *offsets, int n, void *elements);
/* The elements at these offsets as float64 parts; the imaginary part of a real type is 0. */
void pp_view_load_complex(const pp_view *view, const int64_t *offsets, int n, double *re,
                          double *im);

/* An integer of this type, which may be PP_INT8 … PP_UINT64, as (the bits of) an int64. */
int64_t pp_load_integer(enum pp_type type, const char *from);
/* The low `size` bytes of the value: 1, 2, 4 or 8. */
void pp_store_integer(int64_t value, size_t size, char *to);

#endif
