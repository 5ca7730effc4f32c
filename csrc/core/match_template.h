/* Distances of a packet of targets, one a lane, to tiles; see simd.h for the parameters.

   A distance is the sum of (target - tile)^2 in the order of the features, each operation rounded
   to float64: the same in every lane, so that it does not matter which targets make a packet, and
   exact for uint8. Of tiles at the same distance the one with the lowest number wins, in whatever
   order they come. */
#include "simd.h"

#define distance_to ISA(distance_to)
#define update      ISA(update)
#define scan        ISA(scan)

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

TARGET void ISA(pp_scan_tiles)(pp_packet *packet, const pp_tiles *tiles, int64_t first,
                               int64_t stop)
{
    scan(packet, tiles, first, stop, tiles->length);
}
