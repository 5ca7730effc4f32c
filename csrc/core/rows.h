/* Reading the rows of a matrix of any layout, as numbers of one type. */
#ifndef PP_ROWS_H
#define PP_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "pp.h"

/* A matrix that somebody else owns, ready to be read by rows. */
typedef struct pp_rows {
    pp_view view; /* coalesced */
    int64_t count, length;
} pp_rows;

pp_rows pp_rows_of(const pp_view *matrix);

/* Rows first … first + count - 1, one after another, as float64. False: some are not finite. */
bool pp_rows_read(const pp_rows *rows, int64_t first, int64_t count, double *to);
/* The same for a matrix of type PP_UINT8. */
void pp_rows_read_bytes(const pp_rows *rows, int64_t first, int64_t count, uint8_t *to);

#endif
