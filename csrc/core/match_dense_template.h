/* The kernels of matching by codes, for one instruction set: see simd.h for the parameters.

   A block of PANEL vectors of tiles by TARGETS targets is computed in registers: for each group of
   features it takes PANEL loads of codes and TARGETS broadcasts, for PANEL * TARGETS dot products,
   which are what the time goes into. */
#include "simd.h"

#define halves_of_panel ISA(halves_of_panel)
#define least_of_panel  ISA(least_of_panel)
#define all_halves      ISA(all_halves)
#define least           ISA(least_scores)
#define minimum         ISA(minimum_lane)
#define find            ISA(find_vector)
#define candidates      ISA(find_candidates)

#undef PANEL
#if IL == 16 /* of 32 registers, or else of 16 */
#    define PANEL 4
#else
#    define PANEL 2
#endif
#undef TARGETS
#define TARGETS PP_DENSE_STEP

TARGET PP_INLINE void halves_of_panel(const pp_codes *tiles, int64_t vector, const int32_t *targets,
                                      vi half[TARGETS][PANEL])
{
    const int64_t groups = tiles->groups;
    const int32_t *dots = tiles->dots + vector * groups * IL;
    for (int t = 0; t < TARGETS; t++)
        for (int v = 0; v < PANEL; v++)
            half[t][v] = i_load(tiles->halves + (vector + v) * IL);
    for (int64_t g = 0; g < groups; g++) {
        vi tile[PANEL];
        for (int v = 0; v < PANEL; v++)
            tile[v] = i_load(dots + (v * groups + g) * IL);
        for (int t = 0; t < TARGETS; t++) {
            const vi target = i_set1(targets[t * groups + g]);
            for (int v = 0; v < PANEL; v++)
                half[t][v] = i_dot(half[t][v], tile[v], target);
        }
    }
}

TARGET PP_INLINE void least_of_panel(const pp_codes *tiles, int64_t vector, const int32_t *targets,
                                     int32_t *to, int64_t stride)
{
    vi half[TARGETS][PANEL];
    halves_of_panel(tiles, vector, targets, half);
    for (int t = 0; t < TARGETS; t++) {
        vi lowest = i_load(to + t * stride);
        for (int v = 0; v < PANEL; v++)
            lowest = i_min(lowest, half[t][v]);
        i_store(to + t * stride, lowest);
    }
}

TARGET static void all_halves(const pp_codes *tiles, int64_t first, int64_t stop,
                              const int32_t *targets, int64_t count, int32_t *to, int64_t stride)
{
    for (int64_t vector = first; vector < stop; vector += PANEL)
        for (int64_t t = 0; t < count; t += TARGETS) {
            vi half[TARGETS][PANEL];
            halves_of_panel(tiles, vector, targets + t * tiles->groups, half);
            for (int k = 0; k < TARGETS; k++)
                for (int v = 0; v < PANEL; v++)
                    i_store(to + (t + k) * stride + (vector - first + v) * IL, half[k][v]);
        }
}

TARGET static void least(const pp_codes *tiles, int64_t first, int64_t stop, const int32_t *targets,
                         int64_t count, int32_t *to, int64_t stride, int32_t *ever)
{
    for (int64_t t = 0; t < count; t++)
        i_store(to + t * stride, i_set1(INT32_MAX));
    for (int64_t vector = first; vector < stop; vector += PANEL)
        for (int64_t t = 0; t < count; t += TARGETS)
            least_of_panel(tiles, vector, targets + t * tiles->groups, to + t * stride, stride);
    for (int64_t t = 0; t < count; t++)
        i_store(ever + t * IL, i_min(i_load(ever + t * IL), i_load(to + t * stride)));
}

/* The least lane. */
TARGET static int32_t minimum(const int32_t *vector)
{
    int32_t lowest = vector[0];
    for (int l = 1; l < IL; l++)
        lowest = vector[l] < lowest ? vector[l] : lowest;
    return lowest;
}

TARGET static int64_t find(const int32_t *vectors, int64_t from, int64_t n, int32_t limit)
{
    const vi most = i_set1(limit);
    while (from < n && !i_any_le(i_load(vectors + from * IL), most))
        from++;
    return from;
}

TARGET static int64_t candidates(const pp_codes *tiles, int64_t first, int64_t stop,
                                 const int32_t *target, int32_t limit, int32_t *numbers,
                                 int32_t *scores)
{
    const int64_t groups = tiles->groups;
    const vi most = i_set1(limit >> 1); /* of a half, which is rounded down too */
    int64_t found = 0;
    for (int64_t vector = first; vector < stop; vector++) {
        vi half = i_load(tiles->halves + vector * IL);
        for (int64_t g = 0; g < groups; g++)
            half = i_dot(half, i_load(tiles->dots + (vector * groups + g) * IL), i_set1(target[g]));
        if (!i_any_le(half, most))
            continue;
        int32_t lanes[IL];
        i_store(lanes, half);
        for (int l = 0; l < IL; l++) {
            const int32_t score = 2 * lanes[l] + (tiles->norms[vector * IL + l] & 1);
            numbers[found] = (int32_t)(vector * IL + l);
            scores[found] = score;
            found += score <= limit;
        }
    }
    return found;
}

const pp_dense_kernels ISA(pp_dense) = {IL,    DOT_OF,      &least,     &minimum,
                                        &find, &candidates, &all_halves};

#undef least
#undef minimum
#undef find
#undef candidates
