// One artifact and one seed give the same bits of the whole state for any
// number of threads, and in every run.
#include "rl/algorithms/registry.h"
#include "test/support/program_runner.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

namespace phlox::test {
namespace {

void expectOk(phlox_status *status) {
  ASSERT_EQ(status, nullptr) << phlox_status_message(status);
}

struct Buffers {
  std::vector<std::vector<std::byte>> bytes;
  std::vector<phlox_buffer> list;
  Buffers(const phlox_tensor *rows, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
      auto &made = bytes.emplace_back(rows[i].bytes);
      list.push_back({made.data(), made.size()});
    }
  }
};

// a batch that depends on the update alone
void fillBatch(const phlox_entry_desc &entry, Buffers &inputs, int update) {
  for (uint32_t i = 0; i < entry.input_count; i++) {
    const std::string name = entry.inputs[i].name;
    for (size_t n = 0; n < entry.inputs[i].bytes / sizeof(float); n++) {
      auto x = float(std::sin(1.7 * double(n) + 0.31 * update + i));
      if (name == "terminated")
        x = n % 7 == 0;
      std::memcpy(inputs.bytes[i].data() + n * sizeof x, &x, sizeof x);
    }
  }
}

// the state after some updates from one seed
std::string train(phlox_executable *executable, int threads, int updates) {
  phlox_pool *pool = nullptr;
  phlox_state *state = nullptr;
  phlox_entry *init = nullptr, *step = nullptr;
  expectOk(phlox_pool_create(threads, &pool));
  expectOk(phlox_state_create(executable, &state));
  expectOk(phlox_entry_create(executable, "init", pool, &init));
  expectOk(phlox_entry_create(executable, "train_step", pool, &step));
  uint64_t seed = 5;
  phlox_buffer seedBuffer{&seed, sizeof seed};
  expectOk(phlox_entry_run(init, state, &seedBuffer, 1, nullptr, 0));
  auto &desc = *phlox_entry_table(step);
  Buffers inputs(desc.inputs, desc.input_count),
      outputs(desc.outputs, desc.output_count);
  for (int update = 0; update < updates; update++) {
    fillBatch(desc, inputs, update);
    expectOk(phlox_entry_run(step, state, inputs.list.data(),
                             inputs.list.size(), outputs.list.data(),
                             outputs.list.size()));
    for (uint32_t i = 0; i < desc.output_count; i++) {
      float flag = 0;
      std::memcpy(&flag, outputs.bytes[i].data(), sizeof flag);
      if (std::string(desc.outputs[i].name) == "nonfinite")
        EXPECT_EQ(flag, 0) << "update " << update;
    }
  }
  std::string arena(static_cast<const char *>(phlox_state_arena(state)),
                    phlox_executable_table_of(executable)->arena_bytes);
  phlox_entry_free(init);
  phlox_entry_free(step);
  phlox_state_free(state);
  phlox_pool_free(pool);
  return arena;
}

struct Run {
  const char *algorithm;
  int updates;
};

class Threads : public testing::TestWithParam<Run> {};

TEST_P(Threads, LeaveTheSameBits) {
  auto [name, updates] = GetParam();
  const rl::Algorithm *algorithm = rl::find_algorithm(name);
  ASSERT_NE(algorithm, nullptr);
  nlohmann::json config = {{"batch", 64},
                           {"actor.hidden", {64, 64, 64}},
                           {"critic.hidden", {64, 64, 64}}};
  for (const auto &entry : algorithm->schema)
    for (auto [key, value] : {std::pair{"proposals", 16}, std::pair{"nfe", 2}})
      if (entry["key"] == key)
        config[key] = value;
  Program program = algorithm->build({1, 1, "lqr"}, config, {1});
  CompiledProgram compiled(program.module());
  const std::string one = train(compiled.executable(), 1, updates);
  EXPECT_NE(one, train(compiled.executable(), 1, 0));
  for (int threads : {1, 2, 3})
    EXPECT_EQ(one == train(compiled.executable(), threads, updates), true)
        << threads << " threads";
}

INSTANTIATE_TEST_SUITE_P(All, Threads,
                         testing::Values(Run{"sac", 1000}, Run{"flame-r", 48},
                                         Run{"flame-m", 48}, Run{"isfm", 48},
                                         Run{"fmer", 48}, Run{"td3", 1000},
                                         Run{"sac-flow", 200}, Run{"mfpo", 48},
                                         Run{"dacer", 48}),
                         [](const auto &info) {
                           std::string name = info.param.algorithm;
                           std::erase(name, '-');
                           return name;
                         });

} // namespace
} // namespace phlox::test
