/* Runs the C tests: those of the kernels under every variant that this CPU has.
   Argument: random calls of each kind. */
#include <stdio.h>
#include <stdlib.h>

#include "../../csrc/core/pp.h"
#include "check.h"
#include "tests.h"

int main(int argc, char **argv)
{
    const int rounds = argc > 1 ? atoi(argv[1]) : 500;
    test_views();
    test_driver();
    test_dispatch();
    for (int i = 0; pp_isa_available(i); i++) {
        CHECK(pp_dispatch(pp_isa_available(i)), "%s", pp_isa_available(i));
        test_fractals(rounds);
        test_fsum(rounds);
        test_philox(rounds);
        test_reduce(rounds);
        test_histogram(rounds);
        test_match(rounds);
        test_tiles(rounds);
        test_assign(rounds);
        test_lab(rounds);
        test_capi(rounds);
        printf("%s: as the loop\n", pp_isa());
    }
    return 0;
}
