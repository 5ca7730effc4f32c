/* Distances of a packet of targets, one a lane, to tiles; see simd.h for the parameters.

   A distance is the sum of (target - tile)^2 in the order of the features, each operation rounded
   to float64: the same in every lane, so that it does not matter which targets make a packet, and
   exact for uint8. Of tiles at the same distance the one with the lowest number wins, in whatever
   order they come.

   The distance to a box is computed by the same operations from the nearest point of the box. No
   rounding decreases where an exact result increases, so it is never above the computed distance
   to a tile in the box: what is left out because its box is too far is too far. */
#include "simd.h"

#define distance_to  ISA(distance_to)
#define update       ISA(update)
#define scan         ISA(scan)
#define may_be_in    ISA(may_be_in)
#define is_point     ISA(is_point)
#define take_point   ISA(take_point)
#define search_nodes ISA(search_nodes)
#define any_scan     ISA(any_scan)
#define any_search   ISA(any_search)

TARGET PP_INLINE vd distance_to(const double *targets, const double *tile, int64_t length)
{
    vd sum = v_set1(0);
    for (int64_t f = 0; f < length; f++) {
        const vd difference = v_sub(v_load(targets + f * PP_PACKET), v_set1(tile[f]));
        sum = v_add(sum, v_mul(difference, difference));
    }
    return sum;
}

/* The tile with this number, where it is nearer, or as near and its number is lower. */
TARGET PP_INLINE void update(pp_packet *packet, int lane, vd distance, double number)
{
    const vd best = v_load(packet->distance + lane), of = v_load(packet->number + lane);
    const vd own = v_set1(number);
    const vm nearer = v_not_le(best, distance);
    const vm as_near = v_and(v_le(distance, best), v_not_le(of, own));
    const vm take = v_or(nearer, as_near);
    v_store(packet->distance + lane, v_pick(take, distance, best));
    v_store(packet->number + lane, v_pick(take, own, of));
}

TARGET PP_INLINE void scan(pp_packet *packet, const pp_tiles *tiles, int64_t first, int64_t stop,
                           int64_t length)
{
    for (int64_t i = first; i < stop; i++) {
        const double *tile = tiles->features + i * length;
        for (int lane = 0; lane < PP_PACKET; lane += VL) {
            const vd distance = distance_to(packet->features + lane, tile, length);
            if (v_bits(v_le(distance, v_load(packet->distance + lane))))
                update(packet, lane, distance, tiles->numbers[i]);
        }
    }
}

/* May one of the targets have its nearest tile in this box? */
TARGET PP_INLINE bool may_be_in(const double *box, const pp_packet *packet, int64_t length)
{
    const double *low = box + 1, *high = low + length;
    uint64_t bits = 0;
    for (int lane = 0; lane < PP_PACKET; lane += VL) {
        vd sum = v_set1(0);
        for (int64_t f = 0; f < length; f++) {
            const vd target = v_load(packet->features + f * PP_PACKET + lane);
            const vd below = v_sub(v_set1(low[f]), target), above = v_sub(target, v_set1(high[f]));
            const vd outside = v_max(v_max(below, above), v_set1(0));
            sum = v_add(sum, v_mul(outside, outside));
        }
        const vd best = v_load(packet->distance + lane);
        const vm lower = v_not_le(v_load(packet->number + lane), v_set1(box[0]));
        bits |= v_bits(v_or(v_not_le(best, sum), v_and(v_le(sum, best), lower)));
    }
    return bits;
}

/* A box that is not wide in the feature that varies most holds equal tiles. */
TARGET PP_INLINE bool is_point(const double *box, int32_t widest, int64_t length)
{
    return box[1 + widest] == box[1 + length + widest];
}

/* All tiles of an inner node, which are equal: the lowest number of them stands for all. */
TARGET PP_INLINE void take_point(pp_packet *packet, const double *box, int64_t length)
{
    for (int lane = 0; lane < PP_PACKET; lane += VL)
        update(packet, lane, distance_to(packet->features + lane, box + 1, length), box[0]);
}

TARGET PP_INLINE void search_nodes(pp_packet *packet, const pp_kd_tree *tree, pp_kd_search *search,
                                   int64_t steps, int64_t length)
{
    const int32_t leaves = (int32_t)1 << tree->levels;
    for (; search->nodes > 0 && steps > 0; steps--) {
        const int32_t node = search->node[--search->nodes];
        const double *box = tree->boxes + node * (1 + 2 * length);
        if (!may_be_in(box, packet, length))
            continue;
        if (node < leaves && is_point(box, tree->feature[node], length)) {
            take_point(packet, box, length);
        } else if (node < leaves) { /* the child on the side of the first target first */
            const double side = packet->features[tree->feature[node] * PP_PACKET];
            const int32_t near = side > tree->threshold[node];
            search->node[search->nodes++] = 2 * node + 1 - near;
            search->node[search->nodes++] = 2 * node + near;
        } else {
            const int32_t *first = tree->first + (node - leaves);
            scan(packet, tree->tiles, first[0], first[1], length);
        }
    }
}

TARGET static void any_scan(pp_packet *packet, const pp_tiles *tiles, int64_t first, int64_t stop)
{
    scan(packet, tiles, first, stop, tiles->length);
}

/* With the number of features a constant, they stay in registers. */
TARGET static void any_search(pp_packet *packet, const pp_kd_tree *tree, pp_kd_search *search,
                              int64_t steps)
{
    switch (tree->tiles->length) {
    case 1:
        search_nodes(packet, tree, search, steps, 1);
        return;
    case 2:
        search_nodes(packet, tree, search, steps, 2);
        return;
    case 3:
        search_nodes(packet, tree, search, steps, 3);
        return;
    case 4:
        search_nodes(packet, tree, search, steps, 4);
        return;
    default:
        search_nodes(packet, tree, search, steps, tree->tiles->length);
    }
}

const pp_match_kernels ISA(pp_match) = {&any_scan, &any_search};
