// Env steps per second of HalfCheetah: the bare simulator in a loop, then
// vector stepping with 1 and 2 threads, interleaved in one process so that all
// see the same machine. Prints one JSON line per row, medians over the rounds.
//   env_throughput [ROUNDS]
#include "envs/mujoco_task.h"
#include "envs/registry.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fmt/core.h>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace phlox::envs;

constexpr int steps = 8000; // env steps per measurement

struct Row {
  std::string name;
  int n, threads;
  std::function<void()> work; // makes `steps` env steps
  std::vector<double> seconds = {};
};

// actions come from a table, so that none of the rows pays for making them
std::vector<float> action_table(int numbers) {
  std::vector<float> table(static_cast<std::size_t>(numbers));
  std::uint64_t state = 88172645463325252u;
  for (float &number : table) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    number = static_cast<float>(state >> 40) * 0x1p-23f - 1;
  }
  return table;
}

// the limit: mj_step with the frame skip of the task, nothing else
void step_bare(const mjModel &model, mjData &data,
               const std::vector<float> &actions) {
  mj_resetData(&model, &data);
  for (int t = 0; t < steps; ++t) {
    for (int k = 0; k < model.nu; ++k)
      data.ctrl[k] = actions[static_cast<std::size_t>(t * model.nu + k)];
    for (int k = 0; k < 5; ++k)
      mj_step(&model, &data);
    if (t % 1000 == 999)
      mj_resetData(&model, &data);
  }
}

void step_vector(VectorEnv &env, std::span<const float> actions) {
  const auto width = static_cast<std::size_t>(env.size() * env.action_size());
  for (int t = 0; t < steps / env.size(); ++t)
    env.step(actions.subspan(static_cast<std::size_t>(t) * width, width));
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

} // namespace

int main(int argc, char **argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 9;
  if (rounds < 1) {
    fmt::print(stderr, "env_throughput: rounds must be at least 1: got {}\n",
               argv[1]);
    return 2;
  }
  const Model loaded = load_model("half_cheetah.xml", {});
  const mjModel &model = *loaded.model;
  const auto actions = action_table(steps * model.nu);
  mjData *data = mj_makeData(&model);
  std::vector<VectorEnv> environments;
  std::vector<Row> rows = {
      {"mj_step", 1, 1, [&] { step_bare(model, *data, actions); }}};
  for (const int n : {1, 8, 64})
    for (const int threads : {1, 2})
      if (n > 1 || threads == 1) {
        environments.push_back(
            make_vector_env("HalfCheetah-v5", {}, n, 0, "env", threads));
        environments.back().reset();
        rows.push_back(
            {"VectorEnv", n, threads,
             [&environments, &actions, place = environments.size() - 1] {
               step_vector(environments[place], actions);
             }});
      }
  for (int round = 0; round < rounds; ++round)
    for (Row &row : rows) {
      const auto start = std::chrono::steady_clock::now();
      row.work();
      const std::chrono::duration<double> taken =
          std::chrono::steady_clock::now() - start;
      row.seconds.push_back(taken.count());
    }
  mj_deleteData(data);
  const double bare = steps / median(rows[0].seconds);
  for (const Row &row : rows) {
    const double rate = steps / median(row.seconds);
    const auto [least, most] =
        std::minmax_element(row.seconds.begin(), row.seconds.end());
    fmt::print("{{\"work\": \"HalfCheetah-v5\", \"peer\": \"{}\", \"n\": {}, "
               "\"threads\": {}, \"steps_per_s\": {:.0f}, \"min\": {:.0f}, "
               "\"max\": {:.0f}, \"of_mj_step\": {:.3f}}}\n",
               row.name, row.n, row.threads, rate, steps / *most,
               steps / *least, rate / bare);
  }
  return 0;
}
