/* Checks, random numbers, and buffers between guard pages: see check.h. */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void check_failed(const char *file, int line, const char *condition, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fprintf(stderr, "%s:%d: not %s: ", file, line, condition);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(1);
}

uint64_t random_bits(void)
{
    static uint64_t state = 1;
    uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

int64_t random_below(int64_t n)
{
    return (int64_t)(random_bits() % (uint64_t)n);
}

double random_unit(void)
{
    return (double)(random_bits() >> 11) * 0x1p-53;
}

bool random_chance(double probability)
{
    return random_unit() < probability;
}

guarded guarded_new(size_t size, bool at_start)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t inside = (size / page + 1) * page;
    guarded buffer = {.size = size, .mapped = inside + 2 * page};
    buffer.pages =
        mmap(NULL, buffer.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(buffer.pages != MAP_FAILED, "%zu bytes", buffer.mapped);
    char *first = buffer.pages + page;
    memset(first, 0xa5, inside);
    mprotect(buffer.pages, page, PROT_NONE);
    mprotect(first + inside, page, PROT_NONE);
    buffer.data = at_start ? first : first + inside - size;
    return buffer;
}

void guarded_free(guarded buffer)
{
    munmap(buffer.pages, buffer.mapped);
}
