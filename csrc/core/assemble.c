/* Assembly: many small pictures side by side in a large one, by all threads.

   The work is to read all tiles and to write all of the picture, and memory sets the pace. A group
   of tiles side by side is copied row by row of pixels, so that what is written together lies
   together. Into a picture that is larger than the caches, each row of the group is put together
   in a buffer first, and then stored past the caches, while the next one is fetched. */
#include <limits.h>
#include <string.h>

#include "common.h"
#include "parallel.h"
#include "pp.h"
#include "stream.h"
#include "view.h"

enum {
    TILES = 8,         /* of a group: as many streams as a CPU follows */
    STREAMED = 16,     /* of a group that is stored past the caches, at most */
    BUFFER = 1 << 12,  /* bytes of a row of such a group, at most */
    LARGE = 1 << 24,   /* bytes of a picture that no cache keeps until somebody looks at it */
    PIECE = 1 << 18,   /* pixels copied at a time at most */
    UNASKED = 1 << 20, /* bytes after which the slice may be over */
    INDICES = 512,     /* checked at a time */
};

typedef struct assemble_job {
    pp_view tiles, indices, out;
    int64_t group;  /* tiles in a group */
    int64_t in_row; /* groups of tiles in a row of them */
    bool streamed;  /* past the caches */
    bool packed;    /* the bytes of a row of pixels lie side by side, in tiles and result */
} assemble_job;

typedef struct assemble_state {
    pp_worker worker;
    bool begun;
    int64_t cell_row, cell0, cells; /* the group */
    int64_t row, cell, col;         /* where in it to go on: row and column of the tile */
    int64_t unasked;                /* bytes since the slice was looked at */
    const char *tiles[STREAMED];
    char buffer[PP_LINE + BUFFER + PP_LINE];
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
    s->cell0 = item % job->in_row * job->group;
    s->cells = cols - s->cell0 < job->group ? cols - s->cell0 : job->group;
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

/* So many bytes, of which there are few: a call of memcpy would take longer than they do. */
static void copy_bytes(char *to, const char *from, int64_t n)
{
    enum { STEP = 32 };
    if (n < STEP) {
        memcpy(to, from, (size_t)n);
        return;
    }
    for (int64_t i = 0; i + STEP < n; i += STEP)
        memcpy(to + i, from + i, STEP);
    memcpy(to + n - STEP, from + n - STEP, STEP); /* some of it again */
}

static void fetch(const char *from, int64_t n)
{
    for (int64_t i = 0; i < n; i += PP_LINE)
        PP_PREFETCH(from + i);
}

/* A row of pixels of the group, through the buffer, where it lies in its lines as in the picture.
 */
static void stream_row(const assemble_job *job, assemble_state *s)
{
    const int64_t height = job->tiles.shape[1], width = 3 * job->tiles.shape[2];
    const int64_t stride = job->tiles.strides[1], n = s->cells * width;
    char *to =
        job->out.data + (s->cell_row * height + s->row) * job->out.strides[0] + s->cell0 * width;
    const int64_t place = (int64_t)((uintptr_t)to % PP_LINE);
    char *row = s->buffer + (PP_LINE - (uintptr_t)s->buffer % PP_LINE) % PP_LINE + place;
    for (int64_t i = 0; i < s->cells; i++) {
        const char *from = s->tiles[i] + s->row * stride;
        copy_bytes(row + i * width, from, width);
        if (s->row + 1 < height)
            fetch(from + stride, width);
    }
    const int64_t before = place ? PP_LINE - place : 0, head = before < n ? before : n;
    const int64_t lines = (n - head) / PP_LINE, tail = head + lines * PP_LINE;
    memcpy(to, row, (size_t)head);
    pp_stream_lines(to + head, row + head, lines);
    memcpy(to + tail, row + tail, (size_t)(n - tail));
    s->unasked += n;
    s->row++;
}

/* Until the slice is over, or all is done. */
static bool copy_groups(const assemble_job *job, assemble_state *s, pp_slice *slice)
{
    for (;;) {
        if (!s->begun) {
            const int64_t item = pp_slice_draw(slice);
            if (item < 0)
                return true;
            begin_group(job, s, item);
        }
        while (s->row < job->tiles.shape[1]) {
            if (job->streamed)
                stream_row(job, s);
            else
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

static bool assemble(const void *shared, void *state, pp_slice *slice)
{
    const bool done = copy_groups(shared, state, slice);
    pp_stream_end();
    return done;
}

static void plan(assemble_job *job)
{
    const pp_view *tiles = &job->tiles, *out = &job->out;
    const int64_t row = 3 * tiles->shape[2]; /* of a tile, in bytes */
    job->packed = tiles->strides[3] == 1 && tiles->strides[2] == 3 && out->strides[2] == 1 &&
                  out->strides[1] == 3;
    job->streamed = job->packed && row <= BUFFER && pp_view_size(out) >= LARGE;
    job->group = TILES;
    if (job->streamed)
        job->group = BUFFER / row < STREAMED ? BUFFER / row : STREAMED;
    job->in_row = (job->indices.shape[1] + job->group - 1) / job->group;
}

enum pp_status pp_assemble(const pp_view *tiles, const pp_view *indices, const pp_view *out,
                           const pp_run *run)
{
    assemble_job job = {.tiles = *tiles, .indices = *indices, .out = *out};
    if (pp_view_size(out) == 0)
        return PP_OK;
    plan(&job);
    const int64_t items = indices->shape[0] * job.in_row;
    const pp_job parallel = {
        .shared = &job,
        .items = items,
        .total = pp_view_size(indices),
        .max_workers = items < INT_MAX ? (int)items : INT_MAX,
        .state_size = sizeof(assemble_state),
        .work = assemble,
    };
    return pp_parallel_for(&parallel, run);
}
