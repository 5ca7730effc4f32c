/* Features: the mean colours of the cells of many pictures, by all threads.

   A picture is cut into rows and columns of cells, and each row of cells into patches: some cells
   side by side, or one that is wider than that. A thread sums a patch block by block (so many rows
   of so many pixels), and may leave off after each block. Bytes are summed downwards first, in 16
   bits, by vectors; what is left is one row of sums to add up across. */
#include "tiles.h"

#include <limits.h>
#include <string.h>

#include "colour.h"
#include "common.h"
#include "dispatch.h"
#include "parallel.h"
#include "pp.h"

enum {
    WIDTH = 2048,         /* pixels of a block at most */
    HEIGHT = 256,         /* rows of a block at most */
    BATCH_BYTES = 1 << 16 /* of patches that are drawn together, at least, if there are so many */
};

#define TEMPLATE "features_template.h"
#include "each_isa.h"

typedef struct features_job {
    pp_view images;
    pp_view out;
    enum pp_space space;
    int channels;
    int64_t rows, cols; /* of cells */
    int64_t across;     /* cells of a patch */
    int64_t in_row;     /* patches in a row of cells */
    int64_t patches;
    int64_t batch; /* patches drawn together */
    bool packed;   /* the bytes of a row of pixels lie side by side */
} features_job;

typedef struct features_state {
    pp_worker worker;
    int64_t patch, stop; /* the batch: its next patch, and where it ends */
    int64_t row, col;    /* where the next block of the patch begins */
    bool begun;
    uint64_t sums[WIDTH][3]; /* of the cells of the patch */
    uint16_t down[3 * WIDTH];
    uint8_t pixels[3 * WIDTH];
} features_state;

/* Where part i begins of n elements cut into so many: as numpy.array_split cuts, the first n %
   parts are longer by one. */
static int64_t cut(int64_t n, int64_t parts, int64_t i)
{
    const int64_t longer = n % parts;
    return n / parts * i + (i < longer ? i : longer);
}

/* A patch in pixels and in cells. */
typedef struct patch {
    int64_t image, cell_row;
    int64_t cell0, cell1;
    int64_t row0, row1, col0, col1;
} patch;

static patch patch_at(const features_job *job, int64_t number)
{
    patch p;
    const int64_t height = job->images.shape[1], width = job->images.shape[2];
    p.image = number / (job->rows * job->in_row);
    p.cell_row = number / job->in_row % job->rows;
    p.cell0 = number % job->in_row * job->across;
    p.cell1 = p.cell0 + job->across < job->cols ? p.cell0 + job->across : job->cols;
    p.row0 = cut(height, job->rows, p.cell_row);
    p.row1 = cut(height, job->rows, p.cell_row + 1);
    p.col0 = cut(width, job->cols, p.cell0);
    p.col1 = cut(width, job->cols, p.cell1);
    return p;
}

static const char *pixel_at(const features_job *job, int64_t image, int64_t row, int64_t col)
{
    const int64_t *strides = job->images.strides;
    return job->images.data + image * strides[0] + row * strides[1] + col * strides[2];
}

/* So many pixels of a row with their bytes side by side. */
static const uint8_t *row_of_pixels(const features_job *job, features_state *s, const char *from,
                                    int64_t n)
{
    if (job->packed)
        return (const uint8_t *)from;
    const int64_t pixel = job->images.strides[2], channel = job->images.strides[3];
    for (int64_t i = 0; i < n; i++, from += pixel)
        for (int c = 0; c < 3; c++)
            s->pixels[3 * i + c] = *(const uint8_t *)(from + c * channel);
    return s->pixels;
}

/* The place in the block, in pixels, where the cell ends: at the right of the block at the latest.
 */
static int64_t cell_end(const features_job *job, int64_t cell, int64_t col, int64_t n)
{
    const int64_t end = cut(job->images.shape[2], job->cols, cell + 1) - col;
    return end < n ? end : n;
}

/* Sums of bytes: n pixels in each of `count` rows, from this pixel, whose cell is the first. */
static void add_bytes(const features_job *job, features_state *s, const patch *p, const char *from,
                      int64_t count, int64_t n)
{
    const int64_t stride = job->images.strides[1];
    memset(s->down, 0, (size_t)(3 * n) * sizeof *s->down);
    if (job->packed)
        pp_kernels->add_rows(s->down, (const uint8_t *)from, stride, count, 3 * n);
    else
        for (int64_t row = 0; row < count; row++)
            pp_kernels->add_rows(s->down, row_of_pixels(job, s, from + row * stride, n), 0, 1,
                                 3 * n);
    for (int64_t cell = p->cell0, i = 0; i < n; cell++) {
        uint64_t *sums = s->sums[cell - p->cell0];
        for (const int64_t end = cell_end(job, cell, s->col, n); i < end; i++)
            for (int c = 0; c < 3; c++)
                sums[c] += s->down[3 * i + c];
    }
}

/* Sums of linear light, likewise. */
static void add_light(const features_job *job, features_state *s, const patch *p, const char *from,
                      int64_t count, int64_t n)
{
    for (int64_t row = 0; row < count; row++, from += job->images.strides[1]) {
        const uint8_t *byte = row_of_pixels(job, s, from, n);
        for (int64_t cell = p->cell0, i = 0; i < n; cell++) {
            uint64_t red = 0, green = 0, blue = 0;
            for (const int64_t end = cell_end(job, cell, s->col, n); i < end; i++, byte += 3) {
                red += pp_linear_light[byte[0]];
                green += pp_linear_light[byte[1]];
                blue += pp_linear_light[byte[2]];
            }
            uint64_t *sums = s->sums[cell - p->cell0];
            sums[0] += red;
            sums[1] += green;
            sums[2] += blue;
        }
    }
}

/* One block; false after the last one of the patch. */
static bool sum_block(const features_job *job, features_state *s, const patch *p)
{
    const int64_t down = p->row1 - s->row, right = p->col1 - s->col;
    const int64_t count = down < HEIGHT ? down : HEIGHT, n = right < WIDTH ? right : WIDTH;
    const char *from = pixel_at(job, p->image, s->row, s->col);
    if (job->space == PP_OKLAB)
        add_light(job, s, p, from, count, n);
    else
        add_bytes(job, s, p, from, count, n);
    s->col += n;
    if (s->col == p->col1) {
        s->col = p->col0;
        s->row += count;
    }
    return s->row < p->row1;
}

static void put_cell(const features_job *job, const uint64_t sums[3], uint64_t count, char *to)
{
    uint8_t mean[3];
    const int64_t stride = job->out.strides[1];
    if (job->space == PP_OKLAB)
        pp_mean_oklab(sums, count, mean);
    else if (job->space == PP_GREY)
        mean[0] = pp_mean_grey(sums, count);
    else
        for (int c = 0; c < 3; c++)
            mean[c] = count == 1 ? (uint8_t)sums[c] : pp_mean_byte(sums[c], count);
    for (int c = 0; c < job->channels; c++)
        *(uint8_t *)(to + c * stride) = mean[c];
}

static void put_patch(const features_job *job, const features_state *s, const patch *p)
{
    const int64_t width = job->images.shape[2];
    const int64_t stride = job->out.strides[1] * job->channels;
    char *to = job->out.data + p->image * job->out.strides[0] +
               (p->cell_row * job->cols + p->cell0) * stride;
    int64_t left = p->col0;
    for (int64_t cell = p->cell0; cell < p->cell1; cell++, to += stride) {
        const int64_t right = cut(width, job->cols, cell + 1);
        put_cell(job, s->sums[cell - p->cell0], (uint64_t)((p->row1 - p->row0) * (right - left)),
                 to);
        left = right;
    }
}

/* The patch that is begun, or a new one; false if the slice ends before the patch does. */
static bool sum_patch(const features_job *job, features_state *s, pp_slice *slice)
{
    const patch p = patch_at(job, s->patch);
    if (!s->begun) {
        memset(s->sums, 0, (size_t)(p.cell1 - p.cell0) * sizeof *s->sums);
        s->row = p.row0;
        s->col = p.col0;
        s->begun = true;
    }
    while (sum_block(job, s, &p))
        if (pp_slice_over(slice))
            return false;
    put_patch(job, s, &p);
    s->begun = false;
    s->patch++;
    s->worker.done++;
    return true;
}

static bool sum_patches(const void *shared, void *state, pp_slice *slice)
{
    const features_job *job = shared;
    features_state *s = state;
    for (;;) {
        if (s->patch == s->stop) {
            const int64_t item = pp_slice_draw(slice);
            if (item < 0)
                return true;
            s->patch = item * job->batch;
            s->stop = s->patch + job->batch < job->patches ? s->patch + job->batch : job->patches;
        }
        while (s->patch < s->stop)
            if (!sum_patch(job, s, slice))
                return false;
        if (pp_slice_over(slice))
            return false;
    }
}

static void plan(features_job *job)
{
    const int64_t *shape = job->images.shape;
    const int64_t widest = (shape[2] + job->cols - 1) / job->cols;
    job->across = widest < WIDTH ? WIDTH / widest : 1;
    job->in_row = (job->cols + job->across - 1) / job->across;
    job->patches = shape[0] * job->rows * job->in_row;
    const int64_t bytes = 3 * widest * (job->across < job->cols ? job->across : job->cols) *
                          ((shape[1] + job->rows - 1) / job->rows);
    job->batch = bytes < BATCH_BYTES ? BATCH_BYTES / bytes : 1;
}

enum pp_status pp_features(const pp_view *images, int64_t rows, int64_t cols, enum pp_space space,
                           const pp_view *out, const pp_run *run)
{
    features_job job = {.images = *images,
                        .out = *out,
                        .space = space,
                        .channels = space == PP_GREY ? 1 : 3,
                        .rows = rows,
                        .cols = cols};
    if (images->shape[0] == 0)
        return PP_OK;
    job.packed = images->strides[3] == 1 && (images->strides[2] == 3 || images->shape[2] == 1);
    plan(&job);
    const int64_t items = (job.patches + job.batch - 1) / job.batch;
    const pp_job parallel = {
        .shared = &job,
        .items = items,
        .total = job.patches,
        .max_workers = items < INT_MAX ? (int)items : INT_MAX,
        .state_size = sizeof(features_state),
        .work = sum_patches,
    };
    return pp_parallel_for(&parallel, run);
}
