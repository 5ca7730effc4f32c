/* Mean colours: exact sums, rounded once; Oklab with the same bits everywhere.

   sRGB is a curve over linear light (IEC 61966-2-1): below 0.04045 a line, above it a power of 2.4.
   Its 256 values are in a table of integers, so sums of them are exact in any order. Oklab (Björn
   Ottosson, "A perceptual color space for image processing", 2020) is two matrices with a cube root
   between them, taken once for each mean: by + - * and / alone, in one order, without a libm whose
   last bit varies. */
#include "colour.h"

#include <string.h>

const uint32_t pp_linear_light[256] = {
    /* clang-format off */
    0, 5092, 10185, 15277, 20369, 25462, 30554, 35646, 40739, 45831,
    50923, 56146, 61682, 67524, 73676, 80144, 86931, 94043, 101483, 109255,
    117364, 125813, 134607, 143749, 153244, 163095, 173306, 183880, 194821, 206133,
    217819, 229883, 242327, 255157, 268373, 281981, 295983, 310382, 325182, 340386,
    355996, 372016, 388449, 405298, 422565, 440255, 458369, 476910, 495881, 515286,
    535127, 555406, 576126, 597291, 618902, 640963, 663476, 686443, 709868, 733752,
    758099, 782910, 808189, 833938, 860159, 886854, 914027, 941680, 969814, 998433,
    1027538, 1057133, 1087218, 1117798, 1148873, 1180447, 1212520, 1245097, 1278179, 1311767,
    1345865, 1380475, 1415598, 1451237, 1487394, 1524071, 1561270, 1598994, 1637244, 1676023,
    1715332, 1755173, 1795550, 1836463, 1877915, 1919907, 1962442, 2005522, 2049149, 2093324,
    2138049, 2183328, 2229161, 2275550, 2322497, 2370005, 2418074, 2466708, 2515908, 2565675,
    2616012, 2666920, 2718402, 2770458, 2823092, 2876304, 2930097, 2984472, 3039432, 3094977,
    3151110, 3207832, 3265145, 3323052, 3381553, 3440650, 3500346, 3560641, 3621538, 3683038,
    3745144, 3807855, 3871176, 3935106, 3999648, 4064803, 4130573, 4196960, 4263965, 4331589,
    4399836, 4468706, 4538200, 4608321, 4679069, 4750448, 4822457, 4895099, 4968376, 5042288,
    5116838, 5192027, 5267856, 5344328, 5421443, 5499204, 5577611, 5656667, 5736372, 5816729,
    5897738, 5979402, 6061722, 6144699, 6228335, 6312631, 6397589, 6483210, 6569496, 6656448,
    6744068, 6832357, 6921317, 7010948, 7101253, 7192233, 7283889, 7376223, 7469237, 7562930,
    7657306, 7752366, 7848110, 7944540, 8041658, 8139465, 8237963, 8337152, 8437035, 8537612,
    8638885, 8740855, 8843524, 8946893, 9050964, 9155737, 9261215, 9367397, 9474287, 9581885,
    9690192, 9799210, 9908940, 10019383, 10130542, 10242416, 10355008, 10468318, 10582349, 10697100,
    10812575, 10928773, 11045697, 11163346, 11281724, 11400831, 11520668, 11641236, 11762538, 11884573,
    12007344, 12130852, 12255098, 12380082, 12505807, 12632274, 12759484, 12887438, 13016137, 13145583,
    13275776, 13406719, 13538412, 13670857, 13804054, 13938006, 14072712, 14208175, 14344396, 14481375,
    14619114, 14757615, 14896878, 15036905, 15177696, 15319253, 15461578, 15604671, 15748533, 15893166,
    16038571, 16184750, 16331702, 16479430, 16627934, 16777216,
    /* clang-format on */
};

static uint64_t divide_half_up(uint64_t dividend, uint64_t divisor)
{
    const uint64_t quotient = dividend / divisor, rest = dividend % divisor;
    return quotient + (rest >= divisor - rest);
}

uint8_t pp_mean_byte(uint64_t sum, uint64_t count)
{
    return (uint8_t)divide_half_up(sum, count);
}

uint8_t pp_mean_grey(const uint64_t sums[3], uint64_t count)
{
    return (uint8_t)divide_half_up(2126 * sums[0] + 7152 * sums[1] + 722 * sums[2], 10000 * count);
}

/* A third of the exponent and of the fraction together, as an integer, is a root to within 4 %: the
   bits of x are about 2^52 (log2(x) + 1023), so those of the root are a third of them and two
   thirds of 1023, less the error of taking the fraction for the logarithm, at its best 0.033. Each
   of Halley's steps makes the error about 2/3 of its cube: 4e-5, 6e-14, and none. */
double pp_cube_root(double x)
{
    const uint64_t two_thirds = (uint64_t)((682 - 0.033) * 0x1p52);
    if (!(x > 0))
        return 0;
    uint64_t bits;
    double root;
    memcpy(&bits, &x, sizeof bits);
    bits = bits / 3 + two_thirds;
    memcpy(&root, &bits, sizeof root);
    for (int step = 0; step < 3; step++) {
        const double cube = root * root * root;
        root *= (cube + 2 * x) / (2 * cube + x);
    }
    return root;
}

static double weighted(const double weights[3], const double v[3])
{
    return weights[0] * v[0] + weights[1] * v[1] + weights[2] * v[2];
}

static uint8_t nearest_byte(double x)
{
    return x < 0 ? 0 : x >= 255 ? 255 : (uint8_t)(x + 0.5);
}

void pp_mean_oklab(const uint64_t sums[3], uint64_t count, uint8_t lab[3])
{
    static const double to_cones[3][3] = {{0.4122214708, 0.5363325363, 0.0514459929},
                                          {0.2119034982, 0.6806995451, 0.1073969566},
                                          {0.0883024619, 0.2817188376, 0.6299787005}};
    static const double to_lab[3][3] = {{0.2104542553, 0.7936177850, -0.0040720468},
                                        {1.9779984951, -2.4285922050, 0.4505937099},
                                        {0.0259040371, 0.7827717662, -0.8086757660}};
    double light[3], cones[3];
    for (int c = 0; c < 3; c++)
        light[c] = (double)sums[c] / ((double)count * 0x1p24);
    for (int c = 0; c < 3; c++)
        cones[c] = pp_cube_root(weighted(to_cones[c], light));
    for (int c = 0; c < 3; c++)
        lab[c] = nearest_byte(255 * weighted(to_lab[c], cones) + (c ? 128 : 0));
}
