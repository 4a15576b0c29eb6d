#include "bench/bare_loops.h"
#include "envs/mujoco_task.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <stdexcept>
#include <thread>

namespace phlox::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int episode_steps = 1000;
constexpr std::size_t table_rows = 4096;

struct Task {
  const char *id, *model;
  int frame_skip;
  double noise; // reach of the noise on a start
  bool (*over)(const mjModel &, const mjData &);
};

bool never(const mjModel &, const mjData &) { return false; }

bool hopper_fell(const mjModel &model, const mjData &data) {
  bool healthy = data.qpos[1] > .7 && std::abs(data.qpos[2]) < .2;
  for (int k = 2; k < model.nq; ++k)
    healthy &= std::abs(data.qpos[k]) < 100;
  for (int k = 0; k < model.nv; ++k)
    healthy &= std::abs(data.qvel[k]) < 100;
  return !healthy;
}

bool ant_fell(const mjModel &, const mjData &data) {
  return !(data.qpos[2] >= .2 && data.qpos[2] <= 1);
}

bool humanoid_fell(const mjModel &, const mjData &data) {
  return !(data.qpos[2] > 1 && data.qpos[2] < 2);
}

constexpr Task tasks[] = {
    {"HalfCheetah-v5", "half_cheetah.xml", 5, .1, never},
    {"Ant-v5", "ant.xml", 5, .1, ant_fell},
    {"Humanoid-v5", "humanoid.xml", 5, .01, humanoid_fell},
    {"Hopper-v5", "hopper.xml", 4, .005, hopper_fell}};

const Task &find(std::string_view id) {
  for (const Task &task : tasks)
    if (task.id == id)
      return task;
  throw std::invalid_argument(
      fmt::format("a task with a bare loop is required: got '{}'", id));
}

class Random {
public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  double uniform() { // in [-1, 1)
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<double>(state_ >> 11) * 0x1p-52 - 1;
  }

private:
  std::uint64_t state_;
};

struct FreeData {
  void operator()(mjData *data) const { mj_deleteData(data); }
};

struct Simulation {
  std::unique_ptr<mjData, FreeData> data;
  int elapsed = 0;
};

} // namespace

std::vector<std::string> bare_tasks() {
  std::vector<std::string> ids;
  for (const Task &task : tasks)
    ids.emplace_back(task.id);
  return ids;
}

std::vector<float> action_table(std::size_t numbers) {
  std::vector<float> table(numbers);
  Random random(88172645463325252u);
  for (float &number : table)
    number = static_cast<float>(random.uniform());
  return table;
}

struct BareLoops::Impl {
  struct Loop {
    std::vector<Simulation> simulations;
    Random random{1};
    double rate = 0;
  };

  void reset(Loop &loop, Simulation &simulation) const {
    mjData &data = *simulation.data;
    mj_resetData(&model(), &data);
    for (int k = 0; k < model().nq; ++k)
      data.qpos[k] += task.noise * loop.random.uniform();
    for (int k = 0; k < model().nv; ++k)
      data.qvel[k] += task.noise * loop.random.uniform();
    mj_forward(&model(), &data);
    simulation.elapsed = 0;
  }

  void step(Loop &loop, Simulation &simulation, std::size_t row) const {
    mjData &data = *simulation.data;
    const auto width = static_cast<std::size_t>(model().nu);
    const float *action = &actions[row % table_rows * width];
    for (std::size_t k = 0; k < width; ++k) {
      const double low = model().actuator_ctrlrange[2 * k],
                   high = model().actuator_ctrlrange[2 * k + 1];
      data.ctrl[k] =
          (low + high) / 2 + (high - low) / 2 * static_cast<double>(action[k]);
    }
    for (int k = 0; k < task.frame_skip; ++k)
      mj_step(&model(), &data);
    mj_rnePostConstraint(&model(), &data);
    if (++simulation.elapsed == episode_steps || task.over(model(), data))
      reset(loop, simulation);
  }

  void run(Loop &loop, double seconds) const {
    const auto start = Clock::now();
    std::chrono::duration<double> taken{};
    std::size_t steps = 0;
    do { // a look at the clock is nothing beside a step
      Simulation &simulation =
          loop.simulations[steps % loop.simulations.size()];
      step(loop, simulation, steps++);
      taken = Clock::now() - start;
    } while (taken.count() < seconds);
    loop.rate = static_cast<double>(steps) / taken.count();
  }

  const mjModel &model() const { return *loaded.model; }

  const Task &task;
  envs::Model loaded;
  std::vector<float> actions;
  std::vector<Loop> loops;
};

BareLoops::BareLoops(std::string_view task, int loops,
                     int simulations_per_loop) {
  const Task &known = find(task);
  impl_ = std::make_unique<Impl>(
      Impl{known, envs::load_model(known.model, {}), {}, {}});
  impl_->actions =
      action_table(table_rows * static_cast<std::size_t>(impl_->model().nu));
  for (int k = 0; k < loops; ++k) {
    Impl::Loop loop;
    loop.random = Random(static_cast<std::uint64_t>(k) + 1);
    for (int i = 0; i < simulations_per_loop; ++i) {
      loop.simulations.push_back(
          {std::unique_ptr<mjData, FreeData>(mj_makeData(&impl_->model()))});
      impl_->reset(loop, loop.simulations.back());
    }
    impl_->loops.push_back(std::move(loop));
  }
}

BareLoops::BareLoops(BareLoops &&) noexcept = default;
BareLoops::~BareLoops() = default;

double BareLoops::rate(double seconds) {
  std::atomic<bool> start = false;
  std::vector<std::thread> threads;
  for (std::size_t k = 1; k < impl_->loops.size(); ++k)
    threads.emplace_back([&, k] {
      start.wait(false);
      impl_->run(impl_->loops[k], seconds);
    });
  start = true;
  start.notify_all();
  impl_->run(impl_->loops.front(), seconds);
  for (std::thread &thread : threads)
    thread.join();
  double sum = 0;
  for (const Impl::Loop &loop : impl_->loops)
    sum += loop.rate;
  return sum;
}

} // namespace phlox::bench
