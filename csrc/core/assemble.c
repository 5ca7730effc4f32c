/* Assembly: many small pictures side by side in a large one, by all threads. */
#include <limits.h>
#include <string.h>

#include "common.h"
#include "parallel.h"
#include "pp.h"
#include "view.h"

enum {
    TILES = 8,         /* copied together, row by row: as many streams as a CPU follows */
    PIECE = 1 << 18,   /* pixels copied at a time at most */
    UNASKED = 1 << 20, /* bytes after which the slice may be over */
    INDICES = 512,     /* checked at a time */
};

typedef struct assemble_job {
    pp_view tiles, indices, out;
    int64_t in_row; /* groups of tiles in a row of them */
    bool packed;    /* the bytes of a row of pixels lie side by side, in tiles and result */
} assemble_job;

typedef struct assemble_state {
    pp_worker worker;
    bool begun;
    int64_t cell_row, cell0, cells; /* the group */
    int64_t row, cell, col;         /* where in it to go on: row and column of the tile */
    int64_t unasked;                /* bytes since the slice was looked at */
    const char *tiles[TILES];
} assemble_state;

static int64_t integer_at(const pp_view *view, int64_t offset)
{
    char element[8];
    pp_view_gather(view, &offset, 1, element);
    return pp_load_integer(view->type, element);
}

bool pp_indices_within(const pp_view *indices, int64_t n, int64_t *wrong)
{
    const int64_t size = pp_view_size(indices);
    int64_t offsets[INDICES];
    for (int64_t start = 0; start < size; start += INDICES) {
        const int64_t left = size - start;
        const int count = left < INDICES ? (int)left : INDICES;
        pp_view_offsets(indices, start, count, offsets);
        for (int i = 0; i < count; i++) {
            const int64_t index = integer_at(indices, offsets[i]);
            if (index >= 0 && index < n)
                continue;
            *wrong = index;
            return false;
        }
    }
    return true;
}

/* The tile for a cell. The index was checked, but another thread may have changed it since: then
   the picture is wrong, but nothing else. */
static const char *tile_for(const assemble_job *job, int64_t row, int64_t col)
{
    const int64_t *strides = job->indices.strides;
    const int64_t index = integer_at(&job->indices, row * strides[0] + col * strides[1]);
    const bool within = index >= 0 && index < job->tiles.shape[0];
    return job->tiles.data + (within ? index : 0) * job->tiles.strides[0];
}

static void begin_group(const assemble_job *job, assemble_state *s, int64_t item)
{
    const int64_t cols = job->indices.shape[1];
    s->cell_row = item / job->in_row;
    s->cell0 = item % job->in_row * TILES;
    s->cells = cols - s->cell0 < TILES ? cols - s->cell0 : TILES;
    s->row = s->cell = s->col = 0;
    s->begun = true;
    for (int64_t i = 0; i < s->cells; i++)
        s->tiles[i] = tile_for(job, s->cell_row, s->cell0 + i);
}

static void copy_pixels(const assemble_job *job, const char *from, char *to, int64_t n)
{
    if (job->packed) {
        memcpy(to, from, (size_t)(3 * n));
        return;
    }
    const int64_t *in = job->tiles.strides, *out = job->out.strides;
    for (int64_t i = 0; i < n; i++, from += in[2], to += out[1])
        for (int c = 0; c < 3; c++)
            to[c * out[2]] = from[c * in[3]];
}

/* A row of one tile, or a piece of it. */
static void copy_piece(const assemble_job *job, assemble_state *s)
{
    const int64_t height = job->tiles.shape[1], width = job->tiles.shape[2];
    const int64_t left = width - s->col, n = left < PIECE ? left : PIECE;
    const char *from =
        s->tiles[s->cell] + s->row * job->tiles.strides[1] + s->col * job->tiles.strides[2];
    char *to = job->out.data + (s->cell_row * height + s->row) * job->out.strides[0] +
               ((s->cell0 + s->cell) * width + s->col) * job->out.strides[1];
    copy_pixels(job, from, to, n);
    s->unasked += 3 * n;
    s->col += n;
    if (s->col < width)
        return;
    s->col = 0;
    if (++s->cell < s->cells)
        return;
    s->cell = 0;
    s->row++;
}

static bool copy_groups(const void *shared, void *state, pp_slice *slice)
{
    const assemble_job *job = shared;
    assemble_state *s = state;
    for (;;) {
        if (!s->begun) {
            const int64_t item = pp_slice_draw(slice);
            if (item < 0)
                return true;
            begin_group(job, s, item);
        }
        while (s->row < job->tiles.shape[1]) {
            copy_piece(job, s);
            if (s->unasked >= UNASKED) {
                s->unasked = 0;
                if (pp_slice_over(slice))
                    return false;
            }
        }
        s->begun = false;
        s->worker.done += s->cells;
    }
}

enum pp_status pp_assemble(const pp_view *tiles, const pp_view *indices, const pp_view *out,
                           const pp_run *run)
{
    assemble_job job = {.tiles = *tiles, .indices = *indices, .out = *out};
    if (pp_view_size(out) == 0)
        return PP_OK;
    job.in_row = (indices->shape[1] + TILES - 1) / TILES;
    job.packed = tiles->strides[3] == 1 && tiles->strides[2] == 3 && out->strides[2] == 1 &&
                 out->strides[1] == 3;
    const int64_t items = indices->shape[0] * job.in_row;
    const pp_job parallel = {
        .shared = &job,
        .items = items,
        .total = pp_view_size(indices),
        .max_workers = items < INT_MAX ? (int)items : INT_MAX,
        .state_size = sizeof(assemble_state),
        .work = copy_groups,
    };
    return pp_parallel_for(&parallel, run);
}
