#include "test/rl/testdata/lqr_program.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

enum { B = 32, W = 4 };
/* of x in the critic's features, so that plain descent is stable */
static const float scale = 0.125f;

typedef struct state {
  _Alignas(64) float weight[W]; /* critic: w . (x^2, a^2, x a, 1), x scaled */
  _Alignas(64) float slow[W];   /* its moving average */
  _Alignas(64) float gain;      /* policy: a = -gain x, x scaled */
  _Alignas(64) uint64_t step;
  _Alignas(64) uint64_t seed;
} state;

typedef struct scratch {
  float error[B], slope[B];
} scratch;

/* a fixed mixing of counters into (-1, 1) */
static float noise(uint64_t seed, uint64_t step, uint64_t i) {
  uint64_t h = seed * 0x9e3779b97f4a7c15u + step * 0xbf58476d1ce4e5b9u + i + 1;
  h ^= h >> 30;
  h *= 0xbf58476d1ce4e5b9u;
  h ^= h >> 27;
  h *= 0x94d049bb133111ebu;
  h ^= h >> 31;
  return (float)(h >> 40) * 0x1p-23f - 1.0f;
}

static float value(const float *w, float x, float a) {
  x *= scale;
  return w[0] * x * x + w[1] * a * a + w[2] * x * a + w[3];
}

static void init(const phlox_call *call) {
  state *s = call->arena;
  memset(s, 0, sizeof *s);
  memcpy(&s->seed, call->inputs[0], sizeof s->seed);
  for (int k = 0; k < W; ++k)
    s->weight[k] = s->slow[k] = 0.1f * noise(s->seed, 0, (uint64_t)k);
  s->gain = 0.05f * noise(s->seed, 0, 99);
}

static void one_row(const phlox_call *call, const int64_t *loops, int64_t i) {
  (void)loops;
  const state *s = call->arena;
  scratch *t = call->scratch;
  const float *obs = call->inputs[0], *action = call->inputs[1],
              *reward = call->inputs[2], *next = call->inputs[3],
              *terminated = call->inputs[4];
  float a_next =
      -s->gain * scale * next[i] + 0.01f * noise(s->seed, s->step, (uint64_t)i);
  float target = 0.01f * reward[i] +
                 0.9f * (1 - terminated[i]) * value(s->slow, next[i], a_next);
  t->error[i] = value(s->weight, obs[i], action[i]) - target;
  float x = scale * obs[i];
  t->slope[i] = -x * (2 * s->weight[1] * -s->gain * x + s->weight[2] * x);
}

static void train_step(const phlox_call *call) {
  state *s = call->arena;
  scratch *t = call->scratch;
  const float *obs = call->inputs[0], *action = call->inputs[1];
  call->parallel_for(call, one_row, NULL, B);
  float loss = 0, slope = 0, grad[W] = {0};
  for (int i = 0; i < B; ++i) {
    float x = scale * obs[i], a = action[i], e = t->error[i] / B;
    loss += t->error[i] * e;
    slope += t->slope[i] / B;
    grad[0] += e * x * x;
    grad[1] += e * a * a;
    grad[2] += e * x * a;
    grad[3] += e;
  }
  float *metrics[4];
  for (int k = 0; k < 4; ++k)
    metrics[k] = call->outputs[k];
  uint32_t bad = !isfinite(loss) || !isfinite(slope);
  *metrics[0] = loss;
  *metrics[1] = s->step % 2 ? NAN : slope; /* every other update */
  *metrics[2] = s->gain;
  memcpy(metrics[3], &bad, sizeof bad);
  if (bad)
    return;
  for (int k = 0; k < W; ++k) {
    s->weight[k] -= 0.2f * grad[k];
    s->slow[k] += 0.01f * (s->weight[k] - s->slow[k]);
  }
  if (s->step % 2 == 0)
    s->gain = fminf(fmaxf(s->gain + 2 * slope, -4.0f), 4.0f);
  ++s->step;
}

static void act(const phlox_call *call, int n, float spread) {
  const state *s = call->arena;
  const float *obs = call->inputs[0];
  uint64_t step;
  memcpy(&step, call->inputs[1], sizeof step);
  float *action = call->outputs[0];
  for (int i = 0; i < n; ++i)
    action[i] = fminf(fmaxf(-s->gain * scale * obs[i] +
                                spread * noise(s->seed, step, (uint64_t)i),
                            -1.0f),
                      1.0f);
}

static void sample_1(const phlox_call *call) { act(call, 1, 0.2f); }
static void sample_4(const phlox_call *call) { act(call, 4, 0.2f); }
static void evaluate_1(const phlox_call *call) { act(call, 1, 0.0f); }
static void evaluate_3(const phlox_call *call) { act(call, 3, 0.0f); }

static const int64_t batch_1[] = {B, 1}, batch[] = {B}, critic[] = {W};
static const int64_t by_1[] = {1, 1}, by_3[] = {3, 1}, by_4[] = {4, 1};

#define LEAF(field, dtype, rank, dims)                                         \
  {#field,                                                                     \
   dtype,                                                                      \
   rank,                                                                       \
   dims,                                                                       \
   sizeof(((state *)0)->field),                                                \
   offsetof(state, field)}
static const phlox_tensor leaves[] = {
    LEAF(weight, PHLOX_F32, 1, critic), LEAF(slow, PHLOX_F32, 1, critic),
    LEAF(gain, PHLOX_F32, 0, NULL), LEAF(step, PHLOX_U64, 0, NULL),
    LEAF(seed, PHLOX_U64, 0, NULL)};

static const phlox_tensor seed[] = {{"seed", PHLOX_U64, 0, NULL, 8, 0}};
static const phlox_tensor transitions[] = {
    {"obs", PHLOX_F32, 2, batch_1, 4 * B, 0},
    {"action", PHLOX_F32, 2, batch_1, 4 * B, 0},
    {"reward", PHLOX_F32, 1, batch, 4 * B, 0},
    {"next_obs", PHLOX_F32, 2, batch_1, 4 * B, 0},
    {"terminated", PHLOX_F32, 1, batch, 4 * B, 0}};
static const phlox_tensor metrics[] = {
    {"losses/qf1_loss", PHLOX_F32, 0, NULL, 4, 0},
    {"losses/actor_loss", PHLOX_F32, 0, NULL, 4, 0},
    {"losses/alpha", PHLOX_F32, 0, NULL, 4, 0},
    {"nonfinite", PHLOX_U32, 0, NULL, 4, 0}};
#define ACTOR(n)                                                               \
  static const phlox_tensor acting_##n[] = {                                   \
      {"obs", PHLOX_F32, 2, by_##n, 4 * n, 0},                                 \
      {"step", PHLOX_U64, 0, NULL, 8, 0}};                                     \
  static const phlox_tensor action_##n[] = {                                   \
      {"action", PHLOX_F32, 2, by_##n, 4 * n, 0}};
ACTOR(1)
ACTOR(3)
ACTOR(4)

static const phlox_entry_desc entries[] = {
    {"init", 1, 0, seed, NULL, 1, 0, 0, 0},
    {"train_step", 5, 4, transitions, metrics, 1, 0, 100, 100},
    {"sample_1", 2, 1, acting_1, action_1, 0, 0, 2, 8},
    {"sample_4", 2, 1, acting_4, action_4, 0, 0, 8, 32},
    {"evaluate_1", 2, 1, acting_1, action_1, 0, 0, 2, 8},
    {"evaluate_3", 2, 1, acting_3, action_3, 0, 0, 6, 24}};
static phlox_entry_function *const functions[] = {
    init, train_step, sample_1, sample_4, evaluate_1, evaluate_3};
static const uint64_t scratch_bytes[] = {0, sizeof(scratch), 0, 0, 0, 0};
static const phlox_variant variants[] = {
    {"x86-64-v3", PHLOX_ISA_AVX2, functions, scratch_bytes}};

static const phlox_executable_table table = {
    .magic = PHLOX_EXECUTABLE_MAGIC,
    .version = PHLOX_EXECUTABLE_VERSION,
    .table_bytes = sizeof(phlox_executable_table),
    .program = "lqr",
    .options = "{\"algorithm\": \"lqr\", \"env\": \"lqr\", \"config\": "
               "{\"batch\": 32}}",
    .compiler = "by hand",
    .hash = "0123456789abcdef0123456789abcdef"
            "0123456789abcdef0123456789abcdef",
    .arena_bytes = sizeof(state),
    .leaf_count = sizeof leaves / sizeof *leaves,
    .entry_count = sizeof entries / sizeof *entries,
    .variant_count = 1,
    .leaves = leaves,
    .entries = entries,
    .variants = variants};

const phlox_executable_table *lqr_program_query(uint32_t version) {
  return version == PHLOX_EXECUTABLE_VERSION ? &table : NULL;
}
