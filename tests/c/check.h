/* What the C tests share: checks, random numbers, and buffers between guard pages. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Say where and what, and end the program, unless the condition holds. */
#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            check_failed(__FILE__, __LINE__, #condition, __VA_ARGS__);                             \
    } while (0)

void check_failed(const char *file, int line, const char *condition, const char *format, ...);

/* Random numbers: splitmix64, always from the same seed. */
uint64_t random_bits(void);
int64_t random_below(int64_t n);
double random_unit(void);
bool random_chance(double probability);

/* `size` bytes with an inaccessible page right before the first (`at_start`) or right after the
   last of them; the page at the other end is inaccessible too, if not always adjacent. */
typedef struct guarded {
    char *data;
    size_t size, mapped;
    char *pages;
} guarded;

guarded guarded_new(size_t size, bool at_start);
void guarded_free(guarded buffer);

#endif
