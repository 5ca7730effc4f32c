/* The tables of kernels, newest instruction set last, and the choice between them. */
#include "dispatch.h"

#include <stddef.h>
#include <string.h>

#include "common.h"
#include "cpu.h"
#include "pp.h"

#define KERNELS(isa)                                                                               \
    &pp_escape_##isa, &pp_pi_##isa, &pp_fsum_##isa, &pp_flops_##isa, &pp_tree_##isa,               \
        &pp_turned_##isa, pp_folders_##isa, pp_searchers_##isa, &pp_find_bins_##isa,               \
        &pp_match_##isa, &pp_near_tiles_##isa, &pp_near_nodes_##isa, &pp_row_distance_##isa,       \
        &pp_near_bounds_##isa, &pp_byte_distance_##isa, &pp_add_rows_##isa

static const pp_kernel_table tables[] = {
    {"baseline", 0, KERNELS(baseline), &pp_dense_baseline},
#ifdef PP_X86
    {"avx2", PP_CPU_AVX2, KERNELS(avx2), &pp_dense_avx2},
    {"avx512", PP_CPU_AVX512, KERNELS(avx512), &pp_dense_avx512},
    {"avx512vnni", PP_CPU_AVX512VNNI, KERNELS(avx512), &pp_dense_avx512vnni},
#endif
#ifdef PP_AARCH64
    {"neon", PP_CPU_NEON, KERNELS(neon), &pp_dense_neon},
#endif
};

enum { TABLES = sizeof tables / sizeof *tables };

const pp_kernel_table *pp_kernels = &tables[0];

static bool usable(const pp_kernel_table *table)
{
    return (table->needs & ~pp_cpu_features()) == 0;
}

const char *pp_isa_available(int i)
{
    for (int t = 0; t < TABLES; t++)
        if (usable(&tables[t]) && i-- == 0)
            return tables[t].name;
    return NULL;
}

bool pp_dispatch(const char *name)
{
    for (int t = TABLES - 1; t >= 0; t--) {
        if (usable(&tables[t]) && (!name || strcmp(name, tables[t].name) == 0)) {
            pp_kernels = &tables[t];
            return true;
        }
    }
    return false;
}

const char *pp_isa(void)
{
    return pp_kernels->name;
}
