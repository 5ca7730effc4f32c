/* The groups of C tests; each ends the program at the first thing that is not as it should be. */
#ifndef TESTS_H
#define TESTS_H

void test_views(void);
void test_driver(void);
void test_dispatch(void);
/* Under the variant in use, with so many random calls of each kind. */
void test_fractals(int rounds);
void test_fsum(int rounds);
void test_philox(int rounds);
void test_reduce(int rounds);
void test_histogram(int rounds);
void test_match(int rounds);
void test_tiles(int rounds);
void test_assign(int rounds);
void test_lab(int rounds);
void test_capi(int rounds);

#endif
