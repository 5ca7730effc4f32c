/* From exact sums of pixels to the bytes that describe their mean colour. */
#ifndef PP_COLOUR_H
#define PP_COLOUR_H

#include <stdint.h>

/* Linear light of the sRGB byte i in units of 2^-24, rounded. */
extern const uint32_t pp_linear_light[256];

/* The mean of `count` bytes, rounded half up, from their sum. */
uint8_t pp_mean_byte(uint64_t sum, uint64_t count);
/* The mean grey, (2126 R + 7152 G + 722 B) / 10000, rounded half up; count < 2^42. */
uint8_t pp_mean_grey(const uint64_t sums[3], uint64_t count);
/* The mean colour in Oklab, from sums of linear light: L as 255 L, a and b as 128 + 255 a. */
void pp_mean_oklab(const uint64_t sums[3], uint64_t count, uint8_t lab[3]);
/* The cube root of a number that is 0, or positive and normal; the same bits everywhere. */
double pp_cube_root(double x);

#endif
