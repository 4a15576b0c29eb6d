/* A hand-written artifact: what the compiler's artifacts look like to the
   runtime. Also linked into the tests, which damage copies of its table. */
#include "phlox/executable.h"

#ifndef ADDER_NAME
#define ADDER_NAME "adder"
#endif

enum {
  weight_offset = 0,
  count_offset = 64,
  flag_offset = 128,
  half_offset = 192
};
enum {
  rows = 8,
  columns = 16,
  visit_count = 1000,
  mode_count = 64,
  meet_count = 3
};

static const int64_t dims_weight[] = {16};
static const int64_t dims_flag[] = {3};
static const int64_t dims_half[] = {2, 3};
static const int64_t dims_x[] = {8, 16};
static const int64_t dims_visits[] = {1000};
static const int64_t dims_modes[] = {64};
static const int64_t dims_obs[] = {1, 3};
static const int64_t dims_action[] = {1, 2};

static const int64_t dims_meet[] = {3};

static const phlox_tensor leaves[] = {
    {"layer/weight", PHLOX_F32, 1, dims_weight, 64, weight_offset},
    {"count", PHLOX_U64, 0, 0, 8, count_offset},
    {"flag", PHLOX_BOOL, 1, dims_flag, 3, flag_offset},
    {"half", PHLOX_BF16, 2, dims_half, 12, half_offset},
};

static const phlox_tensor init_in[] = {{"seed", PHLOX_U64, 0, 0, 8, 0}};
static const phlox_tensor add_in[] = {{"x", PHLOX_F32, 2, dims_x, 512, 0}};
static const phlox_tensor add_out[] = {{"sum", PHLOX_F32, 2, dims_x, 512, 0}};
static const phlox_tensor visit_out[] = {
    {"visits", PHLOX_I32, 1, dims_visits, 4000, 0}};
static const phlox_tensor modes_out[] = {
    {"modes", PHLOX_U32, 1, dims_modes, 256, 0},
    {"scratch", PHLOX_U64, 0, 0, 8, 0}};
static const phlox_tensor evaluate_in[] = {
    {"obs", PHLOX_F32, 2, dims_obs, 12, 0}, {"step", PHLOX_U64, 0, 0, 8, 0}};
static const phlox_tensor evaluate_out[] = {
    {"action", PHLOX_F32, 2, dims_action, 8, 0}};

static const phlox_tensor meet_out[] = {
    {"met", PHLOX_U32, 1, dims_meet, 12, 0},
    {"modes", PHLOX_U32, 1, dims_meet, 12, 0}};

static const phlox_entry_desc entries[] = {
    {"init", 1, 0, init_in, 0, 1, 0, 0, 64},
    {"add", 1, 1, add_in, add_out, 1, 0, 128, 1024},
    {"visit", 0, 1, 0, visit_out, 0, 0, 1000, 4000},
    {"modes", 0, 2, 0, modes_out, 0, 0, 0, 256},
    {"evaluate_1", 2, 1, evaluate_in, evaluate_out, 0, 0, 6, 20},
    {"meet", 0, 2, 0, meet_out, 0, 0, 0, 24},
};

static float *weight_of(const phlox_call *call) {
  return (float *)((char *)call->arena + weight_offset);
}
static uint64_t *count_of(const phlox_call *call) {
  return (uint64_t *)((char *)call->arena + count_offset);
}

static void init(const phlox_call *call) {
  uint64_t seed = *(const uint64_t *)call->inputs[0];
  for (int i = 0; i < columns; ++i)
    weight_of(call)[i] = (float)(seed + (uint64_t)i);
  *count_of(call) = 0;
}

static void add_row(const phlox_call *call, const int64_t *loops, int64_t row) {
  const float *x = (const float *)call->inputs[0] + row * columns;
  float *sum = (float *)call->outputs[0] + row * columns;
  for (int i = 0; i < columns; ++i)
    sum[i] = x[i] + (float)loops[0] * weight_of(call)[i];
}
static void add(const phlox_call *call) {
  const int64_t loops[] = {1};
  call->parallel_for(call, add_row, loops, rows);
  ++*count_of(call);
}

/* two regions: a task of the second must see all of the first */
static void visit_once(const phlox_call *call, const int64_t *loops,
                       int64_t i) {
  (void)loops;
  __atomic_fetch_add((int32_t *)call->outputs[0] + i, 1, __ATOMIC_RELAXED);
}
static void visit_neighbour(const phlox_call *call, const int64_t *loops,
                            int64_t i) {
  (void)loops;
  int32_t *visits = call->scratch;
  const int32_t *first = call->outputs[0];
  visits[i] = first[visit_count - 1 - i] % 10 == 1 ? 10 : 1000;
}
static void visit_sum(const phlox_call *call, const int64_t *loops, int64_t i) {
  (void)loops;
  ((int32_t *)call->outputs[0])[i] += ((const int32_t *)call->scratch)[i];
}
static void visit(const phlox_call *call) {
  for (int i = 0; i < visit_count; ++i)
    ((int32_t *)call->outputs[0])[i] = 0;
  call->parallel_for(call, visit_once, 0, visit_count);
  call->parallel_for(call, visit_neighbour, 0, visit_count);
  call->parallel_for(call, visit_sum, 0, visit_count);
  call->parallel_for(call, visit_once, 0, 0);
}

static void read_mode(const phlox_call *call, const int64_t *loops, int64_t i) {
  (void)loops;
  __asm__ volatile("stmxcsr %0" : "=m"(((uint32_t *)call->outputs[0])[i]));
}
static void modes(const phlox_call *call) {
  call->parallel_for(call, read_mode, 0, mode_count);
  *(uint64_t *)call->outputs[1] = (uint64_t)(uintptr_t)call->scratch;
  /* the whole of it may be written */
  for (int64_t i = 0; i < 3 << 20; i += 4096)
    ((char *)call->scratch)[i] = 1;
}

static void evaluate_1(const phlox_call *call) {
  const float *obs = call->inputs[0];
  uint64_t step = *(const uint64_t *)call->inputs[1];
  float *action = call->outputs[0];
  action[0] = obs[0] + obs[1] + obs[2] + (float)step;
  action[1] = weight_of(call)[0];
}

/* every task waits for the others: they end well only on threads of their own;
   some seconds are enough for any scheduler */
static void meet_others(const phlox_call *call, const int64_t *loops,
                        int64_t i) {
  uint32_t *arrived = call->scratch, count = 0;
  __atomic_fetch_add(arrived, 1, __ATOMIC_RELAXED);
  uint64_t start = __builtin_ia32_rdtsc();
  while ((count = __atomic_load_n(arrived, __ATOMIC_RELAXED)) < meet_count &&
         __builtin_ia32_rdtsc() - start < 1ull << 34)
    __builtin_ia32_pause();
  ((uint32_t *)call->outputs[0])[i] = count == meet_count;
  (void)loops;
  __asm__ volatile("stmxcsr %0" : "=m"(((uint32_t *)call->outputs[1])[i]));
}
static void meet(const phlox_call *call) {
  *(uint32_t *)call->scratch = 0;
  call->parallel_for(call, meet_others, 0, meet_count);
}

static phlox_entry_function *const functions[] = {init,  add,        visit,
                                                  modes, evaluate_1, meet};
static const uint64_t scratch[] = {0, 0, 4000, 3 << 20, 0, 4};
static const phlox_variant variants[] = {
    {"future", 1ull << 40 | PHLOX_ISA_AVX2, functions, scratch},
    {"x86-64", 0, functions, scratch},
};

static const phlox_executable_table table = {
    PHLOX_EXECUTABLE_MAGIC,
    PHLOX_EXECUTABLE_VERSION,
    sizeof(phlox_executable_table),
    ADDER_NAME,
    "{}",
    "by hand",
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    256,
    sizeof leaves / sizeof *leaves,
    sizeof entries / sizeof *entries,
    sizeof variants / sizeof *variants,
    0,
    leaves,
    entries,
    variants,
    0,
    0,
    0,
    {0, 0, 0},
};

#ifndef ADDER_WITHOUT_QUERY
__attribute__((visibility("default")))
const phlox_executable_table *phlox_executable_query(uint32_t version) {
#ifdef ADDER_SERVES_NO_VERSION
  version = 0;
#endif
  return version == PHLOX_EXECUTABLE_VERSION ? &table : 0;
}
#else
__attribute__((visibility("default")))
const phlox_executable_table *const adder_table = &table;
#endif
