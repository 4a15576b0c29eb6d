// A hand-written artifact: a quadratic critic and a linear policy for the
// scalar task of test/support/lqr_environment.h.
#pragma once
#include "phlox/executable.h"

#ifdef __cplusplus
extern "C" {
#endif
const phlox_executable_table *lqr_program_query(uint32_t version);
#ifdef __cplusplus
}
#endif
