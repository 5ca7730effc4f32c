/* The choice of a variant. */
#include <string.h>

#include "../../csrc/core/pp.h"
#include "check.h"
#include "tests.h"

static void test_every_available_variant_can_be_chosen(void)
{
    CHECK(strcmp(pp_isa_available(0), "baseline") == 0, "%s comes first", pp_isa_available(0));
    const char *last = NULL;
    for (int i = 0; pp_isa_available(i); i++) {
        last = pp_isa_available(i);
        CHECK(pp_dispatch(last) && strcmp(pp_isa(), last) == 0, "%s", last);
    }
    CHECK(pp_dispatch(NULL) && strcmp(pp_isa(), last) == 0, "the best is %s", last);
}

static void test_an_unknown_variant_changes_nothing(void)
{
    CHECK(pp_dispatch("baseline"), "%s", pp_isa());
    const char *unknown[] = {"", "Baseline", "baseline ", "avx", "avx51", "no such one"};
    for (int i = 0; i < 6; i++) {
        CHECK(!pp_dispatch(unknown[i]), "'%s'", unknown[i]);
        CHECK(strcmp(pp_isa(), "baseline") == 0, "%s after '%s'", pp_isa(), unknown[i]);
    }
}

void test_dispatch(void)
{
    test_every_available_variant_can_be_chosen();
    test_an_unknown_variant_changes_nothing();
}
