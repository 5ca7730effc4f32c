/* Feature bits of this CPU, as far as the operating system lets them be used. */
#ifndef PP_CPU_H
#define PP_CPU_H

enum pp_cpu {
    PP_CPU_AVX2 = 1 << 0,   /* with FMA */
    PP_CPU_AVX512 = 1 << 1, /* F, BW, CD, DQ, VL: every AVX-512 server since Skylake */
    PP_CPU_AVX512VNNI = 1 << 2,
    PP_CPU_NEON = 1 << 3,
};

unsigned pp_cpu_features(void);

#endif
