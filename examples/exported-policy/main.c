/* Acts with the policy in this folder: checks that its files belong together,
   runs the self-test, and shows how a host asks for an action.

     cc -std=c11 main.c policy.o -IPREFIX/include -LPREFIX/lib \
        -lphlox_runtime -lm -o policy
     ./policy [FOLDER]

   FOLDER holds policy.safetensors, card.json and selftest.safetensors. */
#include "policy.h"
#include "policy_check.h"
#include <math.h>
#include <phlox/runtime.h>
#include <stdio.h>
#include <string.h>

typedef struct policy {
  phlox_executable *executable;
  phlox_state *state;
  phlox_entry *act;
} policy;

/* Prints a status, if there is one, and frees it. */
static int failed(phlox_status *status) {
  if (!status)
    return 0;
  fprintf(stderr, "policy: %s\n", phlox_status_message(status));
  phlox_status_free(status);
  return 1;
}

/* Refuses a folder whose files do not have the sums of policy_check.h. */
static int verify(const char *folder) {
  for (size_t i = 0; i < sizeof policy_files / sizeof *policy_files; ++i) {
    char path[4096];
    int length =
        snprintf(path, sizeof path, "%s/%s", folder, policy_files[i].name);
    if (length < 0 || (size_t)length >= sizeof path) {
      fprintf(stderr, "policy: the folder's name must fit 4095 bytes\n");
      return 1;
    }
    if (failed(phlox_file_verify(path, policy_files[i].sha256)))
      return 1;
  }
  return 0;
}

static int load(policy *p, const char *folder) {
  char path[4096];
  if (verify(folder) ||
      failed(phlox_executable_wrap(phlox_policy_query, &p->executable)))
    return 1;
  const char *hash = phlox_executable_table_of(p->executable)->hash;
  if (strcmp(hash, POLICY_HASH) != 0) {
    fprintf(stderr, "policy: policy.o must have the hash %s: got %s\n",
            POLICY_HASH, hash);
    return 1;
  }
  snprintf(path, sizeof path, "%s/policy.safetensors", folder);
  /* a policy for one observation is too small for more than one thread */
  return failed(phlox_state_create(p->executable, &p->state)) ||
         failed(phlox_state_load(p->state, path)) ||
         failed(phlox_entry_create(p->executable, "act", NULL, &p->act));
}

static void unload(policy *p) {
  phlox_entry_free(p->act);
  phlox_state_free(p->state);
  phlox_executable_free(p->executable);
}

/* Chooses an action, in the task's own units and within its range. `step` is
   the noise counter: another value for every call. */
static int choose(policy *p, const double *obs, uint64_t step, float *action) {
  /* training saw observations rounded to float */
  float rounded[POLICY_OBS];
  for (int i = 0; i < POLICY_OBS; ++i)
    rounded[i] = (float)obs[i];
  phlox_buffer inputs[2] = {{rounded, sizeof rounded}, {&step, sizeof step}};
  phlox_buffer output = {action, POLICY_ACTION * sizeof(float)};
  return failed(phlox_entry_run(p->act, p->state, inputs, 2, &output, 1));
}

/* Compares actions with those that the exporting machine computed. */
static int self_test(policy *p) {
  double worst = 0; /* in shares of the tolerance */
  for (int row = 0; row < POLICY_TESTS; ++row) {
    double obs[POLICY_OBS];
    float action[POLICY_ACTION];
    for (int i = 0; i < POLICY_OBS; ++i)
      obs[i] = policy_test_obs[row][i];
    if (choose(p, obs, policy_test_step[row], action))
      return 1;
    for (int i = 0; i < POLICY_ACTION; ++i) {
      double off =
          fabs((double)action[i] - (double)policy_test_action[row][i]) /
          policy_test_tolerance[i];
      if (!(off <= 1)) {
        fprintf(stderr,
                "policy: self-test %d: action %d must be %g within %g: "
                "got %g\n",
                row, i, (double)policy_test_action[row][i],
                policy_test_tolerance[i], (double)action[i]);
        return 1;
      }
      worst = off > worst ? off : worst;
    }
  }
  printf("self-test passed: %d actions, at most %.2g of the tolerance\n",
         POLICY_TESTS, worst);
  return 0;
}

int main(int argc, char **argv) {
  policy p = {NULL, NULL, NULL};
  int result = load(&p, argc > 1 ? argv[1] : ".") || self_test(&p);
  if (!result) {
    double obs[POLICY_OBS] = {0}; /* what the task shows */
    float action[POLICY_ACTION];
    result = choose(&p, obs, 0, action);
    for (int i = 0; !result && i < POLICY_ACTION; ++i)
      printf("action %d: %g\n", i, (double)action[i]);
  }
  unload(&p);
  return result;
}
