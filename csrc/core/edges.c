/* The edges of uniform bins: NumPy's, to the bit, and how far the grid through them is off. */
#include <math.h>

#include "doubles.h"
#include "histogram.h"

enum pp_status pp_find_extent(const pp_view *a, double *low, double *high, const pp_run *run)
{
    uint64_t ends[2] = {0}; /* of the type of the elements */
    pp_reduction_task task = {.op = PP_MINMAX, .in = {*a}};
    for (int i = 0; i < 2; i++)
        task.out[i] = (pp_view){.data = (char *)&ends[i], .type = a->type};
    const enum pp_status status = pp_reduce(&task, run);
    pp_load_doubles(&task.out[0], task.out[0].data, 0, 1, low);
    pp_load_doubles(&task.out[1], task.out[1].data, 0, 1, high);
    return status;
}

static void put_edge(const pp_bins *bins, int64_t k, double edge)
{
    if (bins->narrow)
        ((float *)bins->edges)[k] = (float)edge;
    else
        ((double *)bins->edges)[k] = edge;
}

/* The arithmetic of numpy.linspace, in the type it would choose. */
static void put_edges_float32(const pp_bins *bins, float low, float high)
{
    if (low == high) {
        low -= 0.5F;
        high += 0.5F;
    }
    const float step = (high - low) / (float)bins->count;
    for (int64_t k = 0; k < bins->count; k++)
        put_edge(bins, k, (float)k * step + low);
    put_edge(bins, bins->count, high);
}

static void put_edges_float64(const pp_bins *bins, double low, double high)
{
    if (low == high) {
        low -= 0.5;
        high += 0.5;
    }
    const double step = (high - low) / (double)bins->count;
    for (int64_t k = 0; k < bins->count; k++)
        put_edge(bins, k, (double)k * step + low);
    put_edge(bins, bins->count, high);
}

void pp_put_edges(const pp_bins *bins, double low, double high, bool in_float32)
{
    if (in_float32)
        put_edges_float32(bins, (float)low, (float)high);
    else
        put_edges_float64(bins, low, high);
}

bool pp_edges_increase(const pp_bins *bins)
{
    if (!isfinite(pp_edge(bins, 0)) || !isfinite(pp_edge(bins, bins->count)))
        return false;
    for (int64_t k = 0; k < bins->count; k++)
        if (!(pp_edge(bins, k) < pp_edge(bins, k + 1)))
            return false;
    return true;
}

/* Where the grid puts this number: the kernels compute just this. */
static double place(const pp_grid *grid, double x)
{
    return (x - grid->low) * grid->scale;
}

/* Is the bin of every number the integer part of its place? */
static bool edges_have_nothing_to_decide(const pp_grid *grid)
{
    for (int64_t k = 1; k <= grid->bins.count; k++) {
        const double edge = pp_edge(&grid->bins, k);
        if (place(grid, edge) < (double)k || place(grid, nextafter(edge, -INFINITY)) >= (double)k)
            return false;
    }
    return true;
}

pp_grid pp_grid_of(const pp_bins *bins)
{
    pp_grid grid = {.bins = *bins, .low = pp_edge(bins, 0), .high = pp_edge(bins, bins->count)};
    grid.scale = (double)bins->count / (grid.high - grid.low);
    double near = 0;
    for (int64_t k = 0; k <= bins->count; k++) {
        const double distance = fabs(place(&grid, pp_edge(bins, k)) - (double)k);
        near = distance <= near ? near : distance; /* NaN stays */
    }
    grid.search = !(near < 0.25);
    grid.near2 = !grid.search && edges_have_nothing_to_decide(&grid) ? -1 : near * near;
    return grid;
}
