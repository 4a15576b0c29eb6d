/* Loads an artifact, initializes its state and asks for one action: all that a
   host in C needs of Phlox.

     c-host ARTIFACT.so [SEED]

   It prints the action of `evaluate_1` for an observation of zeros, one number
   per line. */
#include <phlox/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prints a status, if there is one, and frees it. */
static int failed(phlox_status *status) {
  if (!status)
    return 0;
  fprintf(stderr, "c-host: %s\n", phlox_status_message(status));
  phlox_status_free(status);
  return 1;
}

/* Finds the place of a named argument; -1 if there is none of this type. */
static int find(const phlox_tensor *arguments, uint32_t count, const char *name,
                uint32_t dtype) {
  for (uint32_t i = 0; i < count; ++i)
    if (strcmp(arguments[i].name, name) == 0 && arguments[i].dtype == dtype)
      return (int)i;
  return -1;
}

/* Runs `init`, which takes the seed and writes the whole state. */
static int initialize(const phlox_executable *executable, phlox_pool *pool,
                      phlox_state *state, uint64_t seed) {
  phlox_entry *init = NULL;
  if (failed(phlox_entry_create(executable, "init", pool, &init)))
    return 1;
  phlox_buffer input = {&seed, sizeof seed};
  int result = failed(phlox_entry_run(init, state, &input, 1, NULL, 0));
  phlox_entry_free(init);
  return result;
}

/* Runs `evaluate_1` on zeros and prints what it would do. */
static int act(const phlox_executable *executable, phlox_pool *pool,
               phlox_state *state) {
  phlox_entry *entry = NULL;
  if (failed(phlox_entry_create(executable, "evaluate_1", pool, &entry)))
    return 1;
  const phlox_entry_desc *desc = phlox_entry_table(entry);
  int obs = find(desc->inputs, desc->input_count, "obs", PHLOX_F32);
  int step = find(desc->inputs, desc->input_count, "step", PHLOX_U64);
  int action = find(desc->outputs, desc->output_count, "action", PHLOX_F32);
  if (desc->input_count != 2 || desc->output_count != 1 || obs < 0 ||
      step < 0 || action < 0) {
    fprintf(stderr, "c-host: entry point 'evaluate_1' must take obs and step "
                    "and give action: got other arguments\n");
    phlox_entry_free(entry);
    return 1;
  }
  /* the noise counter: another value for every call */
  uint64_t counter = 0;
  phlox_buffer inputs[2], output;
  inputs[obs].bytes = desc->inputs[obs].bytes;
  inputs[obs].data = calloc(1, inputs[obs].bytes);
  inputs[step].bytes = sizeof counter;
  inputs[step].data = &counter;
  output.bytes = desc->outputs[action].bytes;
  output.data = calloc(1, output.bytes);
  int result = failed(phlox_entry_run(entry, state, inputs, 2, &output, 1));
  for (size_t i = 0; result == 0 && i < output.bytes / sizeof(float); ++i)
    printf("%g\n", ((const float *)output.data)[i]);
  free(inputs[obs].data);
  free(output.data);
  phlox_entry_free(entry);
  return result;
}

int main(int argc, char **argv) {
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: c-host ARTIFACT.so [SEED]\n");
    return 2;
  }
  uint64_t seed = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
  phlox_executable *executable = NULL;
  phlox_pool *pool = NULL;
  phlox_state *state = NULL;
  /* a policy for one observation is too small for more than one thread */
  int result = failed(phlox_executable_load(argv[1], &executable)) ||
               failed(phlox_pool_create(1, &pool)) ||
               failed(phlox_state_create(executable, &state)) ||
               initialize(executable, pool, state, seed) ||
               act(executable, pool, state);
  phlox_state_free(state);
  phlox_pool_free(pool);
  phlox_executable_free(executable);
  return result;
}
