// FrankaKitchen-v1: a robot arm in a kitchen; 1 for each task of a list when it
// is done, after which it leaves the list. Terminates when all were done once.
// What the arm aims at depends on the last noisy observation of its joints.
// Source: Gymnasium-Robotics 1.4.2, franka_env.py, kitchen_env.py and
// franka_config.xml.
#include "envs/mujoco_parts.h"
#include "envs/tasks.h"

#include <array>
#include <bitset>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdexcept>

namespace phlox::envs {
namespace {

constexpr const char *model_file =
    "kitchen_franka/kitchen_assets/kitchen_env_model.xml";
constexpr int frame_skip = 40;
constexpr std::size_t nq = 30, nv = 29, joints = 9, obs_size = nq + nv;
constexpr double reach = .3; // a task is done this near its goal

constexpr double rest[nq] = {
    1.48388023e-01,  -1.76848573e+00, 1.84390296e+00,  -2.47685760e+00,
    2.60252026e-01,  7.12533105e-01,  1.59515394e+00,  4.79267505e-02,
    3.71350919e-02,  -2.66279850e-04, -5.18043486e-05, 3.12877220e-05,
    -4.51199853e-05, -3.90842156e-06, -4.22629655e-05, 6.28065475e-05,
    4.04984708e-05,  4.62730939e-04,  -2.26906415e-04, -4.65501369e-04,
    -6.44129196e-03, -1.77048263e-03, 1.08009684e-03,  -2.69397440e-01,
    3.50383255e-01,  1.61944683e+00,  1.00618764e+00,  4.06395120e-03,
    -6.62095997e-03, -2.68278933e-04};

// where the arm's joints may be sent, rad and m; narrower than the actuators
constexpr Range targets[joints] = {{-2.9, 2.9}, {-1.8, 1.8}, {-2.9, 2.9},
                                   {-3.1, 0},   {-2.9, 2.9}, {0, 3.8},
                                   {-2.9, 2.9}, {0, .04},    {0, .04}};
constexpr double speed = 2;             // of a full action, rad/s and m/s
constexpr Range velocities = {-10, 10}; // rad/s and m/s
constexpr double robot_noise = .1;      // of positions and velocities

// of the objects' positions: shifted by one, so that the first is a finger's
constexpr double position_noise[nq - joints] = {
    .1,   .005, .005, .0005, .0005, .0005, .0005, .0005, .0005, .005, .005,
    .005, .1,   .1,   .1,    .005,  .005,  .005,  .1,    .1,    .1};
constexpr double velocity_noise[nv - joints] = {
    .005, .005, .005, .005, .005, .005, .005, .005, .005, .005,
    .005, .1,   .1,   .1,   .005, .005, .005, .1,   .1,   .1};

struct Goal {
  const char *name;
  std::size_t count;
  std::array<std::size_t, 7> place; // in qpos
  std::array<double, 7> value;
};

constexpr Goal goals[] = {
    {"bottom burner", 2, {11, 12}, {-.88, -.01}},
    {"top burner", 2, {15, 16}, {-.92, -.01}},
    {"light switch", 2, {17, 18}, {-.69, -.05}},
    {"slide cabinet", 1, {19}, {.37}},
    {"hinge cabinet", 2, {20, 21}, {0, 1.45}},
    {"microwave", 1, {22}, {-.75}},
    {"kettle",
     7,
     {23, 24, 25, 26, 27, 28, 29},
     {-.23, .75, 1.62, .99, 0, 0, -.06}},
};
using Tasks = std::bitset<std::size(goals)>;

struct Config {
  Tasks tasks;
  bool terminate_when_done, remove_when_done;
  double object_noise_ratio, robot_noise_ratio;
};

class FrankaKitchen final : public MujocoTask {
public:
  FrankaKitchen(const Config &config, const MujocoConfig &base)
      : MujocoTask(base), config_(config) {}

  std::unique_ptr<Environment> clone() const override {
    return std::make_unique<FrankaKitchen>(*this);
  }

  void observe(std::span<double> obs) const override {
    std::ranges::copy(seen(), obs.begin());
  }

  // the share of the list that was done at some time in the episode
  double success() const override {
    return static_cast<double>(get(done()).count()) /
           static_cast<double>(config_.tasks.count());
  }

protected:
  void draw_start(Stream &, std::span<double> qpos,
                  std::span<double>) const override {
    std::ranges::copy(rest, qpos.begin());
  }

  void begin_episode() override {
    set(to_do(), config_.tasks);
    set(done(), {});
  }

  // a desired velocity becomes a desired position, from where the joints seem
  // to be
  void control(const Action &action, std::span<double> ctrl) override {
    for (std::size_t k = 0; k < joints; ++k) {
      const double velocity =
          velocities.clip(Range{-1, 1}.clip(action[k]) * speed);
      ctrl[k] = targets[k].clip(seen()[k] + velocity * dt());
    }
  }

  double reward(const Action &) override {
    Tasks now;
    for (std::size_t task = 0; task < now.size(); ++task)
      now[task] = get(to_do())[task] && distance_to(goals[task]) < reach;
    set(done(), get(done()) | now);
    if (config_.remove_when_done)
      set(to_do(), get(to_do()) & ~now);
    return static_cast<double>(now.count());
  }

  bool terminated() const override {
    return config_.terminate_when_done && get(done()) == config_.tasks;
  }

  // draws in the order of the parts, at starts too
  void sense(Stream *noise) override {
    std::size_t k = 0;
    const auto add = [&](double number, double amplitude) {
      memory_[k++] = number + (noise ? amplitude * noise->uniform(-1, 1) : 0);
    };
    const double ratio = config_.object_noise_ratio,
                 robot = config_.robot_noise_ratio * robot_noise;
    for (const double position : qpos().first(joints))
      add(position, robot);
    for (const double velocity : qvel().first(joints))
      add(velocity, robot);
    for (std::size_t i = joints; i < nq; ++i)
      add(qpos()[i], ratio * position_noise[i - joints]);
    for (std::size_t i = joints; i < nv; ++i)
      add(qvel()[i], ratio * velocity_noise[i - joints]);
  }

  std::span<double> memory() override { return memory_; }

private:
  std::span<const double> seen() const {
    return std::span(memory_).first(obs_size);
  }
  // sets of tasks are kept as numbers, for memory()
  double &to_do() { return memory_[obs_size]; }
  double &done() { return memory_[obs_size + 1]; }
  const double &done() const { return memory_[obs_size + 1]; }
  static Tasks get(double number) {
    return Tasks(static_cast<unsigned long>(number));
  }
  static void set(double &number, Tasks tasks) {
    number = static_cast<double>(tasks.to_ulong());
  }

  double distance_to(const Goal &goal) const {
    double sum = 0;
    for (std::size_t k = 0; k < goal.count; ++k) {
      const double gap = qpos()[goal.place[k]] - goal.value[k];
      sum += gap * gap;
    }
    return std::sqrt(sum);
  }

  Config config_;
  std::array<double, obs_size + 2> memory_ = {};
};

Tasks tasks_of(const char *id, const Kwargs &names) {
  Tasks tasks;
  for (const auto &name : names) {
    std::vector<std::string> known;
    for (std::size_t task = 0; task < tasks.size(); ++task) {
      known.emplace_back(goals[task].name);
      if (name == goals[task].name)
        tasks.set(task);
    }
    if (std::ranges::find(known, name.get<std::string>()) == known.end())
      throw std::invalid_argument(
          fmt::format("{}: tasks_to_complete must be of {}: got '{}'", id,
                      fmt::join(known, ", "), name.get<std::string>()));
  }
  if (tasks.none())
    throw std::invalid_argument(fmt::format(
        "{}: tasks_to_complete must name at least one task: got none", id));
  return tasks;
}

double ratio_of(const char *id, const Kwargs &kwargs, const char *key) {
  const double ratio = kwargs[key];
  if (ratio < 0)
    throw std::invalid_argument(
        fmt::format("{}: {} must be at least 0: got {}", id, key, ratio));
  return ratio;
}

std::unique_ptr<Environment> make(const char *id, const Kwargs &kwargs) {
  const Config config{tasks_of(id, kwargs["tasks_to_complete"]),
                      kwargs["terminate_on_tasks_completed"],
                      kwargs["remove_task_when_completed"],
                      ratio_of(id, kwargs, "object_noise_ratio"),
                      ratio_of(id, kwargs, "robot_noise_ratio")};
  MujocoConfig base;
  base.id = id;
  base.frame_skip = frame_skip;
  base.max_episode_steps = positive_int(id, kwargs, "max_episode_steps");
  base.model =
      load_model(model_file, {.nq = nq, .nv = nv, .nbody = 44, .nu = joints});
  base.obs_size = obs_size;
  base.reads_forces = false;
  base.has_success = true;
  base.action_low.assign(joints, -1);
  base.action_high.assign(joints, 1);
  return std::make_unique<FrankaKitchen>(config, base);
}

Entry entry(const char *id, const char *summary, Kwargs tasks) {
  return {
      id, summary,
      Kwargs{{"tasks_to_complete", std::move(tasks)},
             {"terminate_on_tasks_completed", true},
             {"remove_task_when_completed", true},
             {"object_noise_ratio", 5e-4},
             {"robot_noise_ratio", 1e-2},
             {"max_episode_steps", 280}},
      [id](const Kwargs &kwargs) { return make(id, kwargs); },
      Kwargs{{"tasks_to_complete", "names of the tasks, in any order"},
             {"terminate_on_tasks_completed",
              "end the episode when every task was done once"},
             {"remove_task_when_completed", "pay for a task once, not on every "
                                            "step that finds it done"},
             {"object_noise_ratio", "noise on what is seen of the objects"},
             {"robot_noise_ratio", "noise on what is seen of the arm"},
             {"max_episode_steps", "env steps until an episode is truncated"}}};
}

} // namespace

Entry franka_kitchen_entry() {
  auto all = Kwargs::array();
  for (const Goal &goal : goals)
    all.push_back(goal.name);
  return entry("FrankaKitchen-v1",
               "seven tasks for an arm in a kitchen (MuJoCo)", all);
}

Entry kitchen_1_entry() {
  return entry("kitchen-1", "FrankaKitchen-v1 with the microwave alone",
               Kwargs::array({"microwave"}));
}

// the list of the 'partial' data set of D4RL
Entry kitchen_4_entry() {
  return entry(
      "kitchen-4", "FrankaKitchen-v1 with four of its tasks",
      Kwargs::array({"microwave", "kettle", "light switch", "slide cabinet"}));
}

} // namespace phlox::envs
