// The scalar LQR in box coordinates u = 6 a, with everything known exactly, and
// a compiled program that is run many times.
#pragma once
#include "dsl/program.h"
#include "test/support/program_runner.h"
#include <cmath>
#include <gtest/gtest.h>
#include <numbers>

namespace phlox::rl::lqr {

// x' = .95 x + .4 u + .1 w, reward -(x^2 + .3 u^2), discount .97, alpha .7;
// the closed form is envs/lqr_solution.h's, tested there
inline constexpr double kP = 1.8208084727, kGain = 1.1520118915,
                        kConstant = -14.9084254190, kCovariance = 0.6007660884,
                        kEntropy = 1.1641637211, kDiscount = .97, kAlpha = .7,
                        kRange = 6;

/// The soft-optimal Q in the task's own units, for a in the box.
inline Tensor optimal_q(const Tensor &x, const Tensor &a) {
  Tensor u = kRange * a, next = .95 * x + .4 * u;
  return -(square(x) + .3 * square(u)) +
         kDiscount * (-kP * (square(next) + .01) - kConstant);
}

/// Runs entry points without converting the state in between.
class Runner {
public:
  explicit Runner(Program &program) : compiled(program.module()) {
    EXPECT_EQ(phlox_pool_create(2, &pool), nullptr);
    EXPECT_EQ(phlox_state_create(compiled.executable(), &state), nullptr);
  }
  ~Runner() {
    phlox_state_free(state);
    phlox_pool_free(pool);
  }
  Runner(const Runner &) = delete;
  Runner &operator=(const Runner &) = delete;

  /// Runs an entry point `times` times; inputs are f32 buffers in its order.
  void run(const char *name, std::vector<std::vector<float> *> inputs = {},
           std::vector<std::vector<float> *> outputs = {}, int times = 1) {
    phlox_entry *entry = nullptr;
    ASSERT_EQ(phlox_entry_create(compiled.executable(), name, pool, &entry),
              nullptr);
    std::vector<phlox_buffer> in, out;
    for (auto *values : inputs)
      in.push_back({values->data(), values->size() * sizeof(float)});
    for (auto *values : outputs)
      out.push_back({values->data(), values->size() * sizeof(float)});
    phlox_status *status = nullptr;
    for (int i = 0; i < times && !status; ++i)
      status = phlox_entry_run(entry, state, in.data(), in.size(), out.data(),
                               out.size());
    EXPECT_EQ(status, nullptr) << phlox_status_message(status);
    phlox_status_free(status);
    phlox_entry_free(entry);
  }

private:
  test::CompiledProgram compiled;
  phlox_pool *pool = nullptr;
  phlox_state *state = nullptr;
};

} // namespace phlox::rl::lqr
