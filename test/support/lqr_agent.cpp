#include "test/support/lqr_agent.h"
#include "rl/algorithms/registry.h"
#include "test/support/program_runner.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numbers>
#include <random>
#include <stdexcept>

namespace phlox::test {
namespace {

using envs::Matrix;

constexpr int parallel = 16, episode = 20, acting = 4096, draws = 8;

void check(phlox_status *status) {
  if (!status)
    return;
  std::string text = phlox_status_message(status);
  phlox_status_free(status);
  throw std::runtime_error(text);
}

std::vector<double> times(const Matrix &matrix, std::span<const double> x) {
  std::vector<double> y(matrix.rows);
  for (int i = 0; i < matrix.rows; ++i)
    for (int j = 0; j < matrix.cols; ++j)
      y[i] += matrix(i, j) * x[j];
  return y;
}

double quadratic(const Matrix &matrix, std::span<const double> x) {
  const auto y = times(matrix, x);
  double sum = 0;
  for (size_t i = 0; i < y.size(); ++i)
    sum += x[i] * y[i];
  return sum;
}

double log_det(const Matrix &matrix) {
  const Matrix factor = cholesky(matrix);
  double sum = 0;
  for (int i = 0; i < factor.rows; ++i)
    sum += 2 * std::log(factor(i, i));
  return sum;
}

// an entry point with a buffer for each argument, by name
class Call {
public:
  Call(phlox_executable *executable, phlox_state *state, phlox_pool *pool,
       const std::string &name)
      : state(state) {
    check(phlox_entry_create(executable, name.c_str(), pool, &entry));
    const phlox_entry_desc &desc = *phlox_entry_table(entry);
    for (uint32_t i = 0; i < desc.input_count; ++i)
      inputs.push_back(room(desc.inputs[i]));
    for (uint32_t i = 0; i < desc.output_count; ++i)
      outputs.push_back(room(desc.outputs[i]));
  }
  ~Call() { phlox_entry_free(entry); }
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;

  void run() {
    check(phlox_entry_run(entry, state, inputs.data(), inputs.size(),
                          outputs.data(), outputs.size()));
  }
  std::span<float> numbers(const std::string &name) {
    auto &bytes = rooms.at(name);
    return {reinterpret_cast<float *>(bytes.data()), bytes.size() / 4};
  }
  void set_count(const std::string &name, uint64_t count) {
    std::memcpy(rooms.at(name).data(), &count, sizeof count);
  }
  bool has(const std::string &name) const { return rooms.contains(name); }

private:
  phlox_buffer room(const phlox_tensor &tensor) {
    auto &bytes = rooms[tensor.name];
    bytes.resize(tensor.bytes);
    return {bytes.data(), tensor.bytes};
  }
  phlox_state *state;
  phlox_entry *entry = nullptr;
  std::map<std::string, std::vector<char>> rooms;
  std::vector<phlox_buffer> inputs, outputs;
};

nlohmann::json small(const LqrTask &task, int updates) {
  nlohmann::json config = {{"batch", 128},
                           {"discount", task.problem.discount},
                           {"ema_rate", .02},
                           {"alpha.initial", task.problem.alpha},
                           {"alpha.fixed", true}};
  config["actor.hidden"] = {64, 64, 64};
  config["critic.hidden"] = {64, 64};
  for (const std::string part : {"actor", "critic"}) {
    config[part + ".activation"] = "mish";
    config[part + ".lr"] = 1e-3;
    config[part + ".lr_final"] = 2e-5;
    config[part + ".lr_begin"] = updates / 2;
    config[part + ".lr_steps"] = updates * 49 / 100;
  }
  // what only some algorithms have
  config["actor.every"] = 1;
  config["reward_scale"] = 1;
  config["particles"] = 1;
  config["noise_scale"] = 0;
  config["proposals"] = 64;
  return config;
}

Program build(const LqrTask &task, const std::string &name,
              const nlohmann::json &settings, int updates) {
  const rl::Algorithm *algorithm = rl::find_algorithm(name);
  if (!algorithm)
    throw std::runtime_error("no algorithm " + name);
  const nlohmann::json wanted = small(task, updates);
  nlohmann::json config;
  for (const auto &[key, value] : wanted.items())
    for (const auto &row : algorithm->schema)
      if (row["key"] == key)
        config[key] = value;
  if (settings.is_object())
    config.update(settings);
  return algorithm->build({task.states_size(), task.controls(), "lqr"}, config,
                          {parallel, acting});
}

} // namespace

LqrTask scalar_lqr() {
  auto one = [](double x) { return Matrix(1, 1, {x}); };
  return {{one(.95), one(.4), one(1), one(.3), one(.01), .97, .7},
          6,
          2,
          {{-1.5}, {0}, {1}}};
}

LqrTask pair_lqr() {
  return {{{2, 2, {1, .1, 0, .95}},
           {2, 2, {0, .05, .1, 0}},
           {2, 2, {1, 0, 0, .1}},
           {2, 2, {.2, 0, 0, .4}},
           {2, 2, {.01, 0, 0, .01}},
           .95,
           .5},
          4,
          1.2,
          {{1, -1}, {0, 0}, {-.8, .6}}};
}

struct LqrAgent::Impl {
  LqrTask task;
  int batch, critic_layers;
  Program program;
  CompiledProgram compiled;
  phlox_state *state = nullptr;
  std::map<std::string, std::unique_ptr<Call>> calls;
  std::map<std::string, std::pair<double, int>> metrics;
  std::mt19937 generator;
  Matrix noise, spread; // factors of W and of the optimal covariance
  uint64_t steps = 0;
  // what the environments have seen, and where they are
  struct Transition {
    std::vector<float> obs, action, next;
    float reward;
  };
  std::vector<Transition> replay;
  std::vector<std::vector<double>> x;
  std::vector<int> age;

  Impl(const LqrTask &task, const std::string &algorithm,
       const nlohmann::json &settings, int updates, unsigned seed)
      : task(task),
        batch(settings.is_object() ? settings.value("batch", 128) : 128),
        critic_layers(
            1 + (settings.is_object() && settings.contains("critic.hidden")
                     ? settings["critic.hidden"].size()
                     : 2)),
        program(build(task, algorithm, settings, updates)),
        compiled(program.module(), {}, 1), generator(seed),
        noise(cholesky(task.problem.W)),
        spread(cholesky(task.solution.covariance)) {
    check(phlox_state_create(compiled.executable(), &state));
    Call &init = call("init");
    init.set_count("seed", seed);
    init.run();
  }
  ~Impl() {
    calls.clear();
    phlox_state_free(state);
  }

  Call &call(const std::string &name) {
    auto &found = calls[name];
    if (!found)
      found = std::make_unique<Call>(compiled.executable(), state,
                                     compiled.threads(), name);
    return *found;
  }
  double uniform(double bound) {
    return std::uniform_real_distribution<double>(-bound, bound)(generator);
  }
  std::vector<double> normal(const Matrix &factor) {
    std::vector<double> z(factor.cols);
    for (double &one : z)
      one = std::normal_distribution<double>()(generator);
    return times(factor, z);
  }
  std::vector<double> start() {
    std::vector<double> at(task.states_size());
    for (double &one : at)
      one = uniform(task.range);
    return at;
  }
  std::vector<double> next(std::span<const double> at,
                           std::span<const double> u) const {
    auto to = times(task.problem.A, at), by = times(task.problem.B, u);
    for (size_t i = 0; i < to.size(); ++i)
      to[i] += by[i];
    return to;
  }
  double reward(std::span<const double> at, std::span<const double> u) const {
    return -quadratic(task.problem.Q, at) - quadratic(task.problem.R, u);
  }

  void update() {
    Call &step = call("train_step");
    step.run();
    const phlox_executable_table &table = compiled.table();
    const phlox_entry_desc *desc = table.entries;
    while (std::string_view(desc->name) != "train_step")
      desc++;
    for (uint32_t i = 0; i < desc->output_count; ++i) {
      const phlox_tensor &output = desc->outputs[i];
      if (output.dtype != PHLOX_F32 || output.rank != 0)
        continue;
      const float value = step.numbers(output.name)[0];
      auto &[sum, count] = metrics[output.name];
      if (!std::isnan(value))
        sum += value, count++;
    }
    if (step.numbers("nonfinite")[0] != 0)
      throw std::runtime_error("an update was not finite");
  }

  void fill_values() {
    Call &step = call("train_step");
    const int n = task.states_size(), m = task.controls();
    const auto &s = task.solution;
    for (int row = 0; row < batch; ++row) {
      const auto at = start();
      std::vector<double> u = times(-1.0 * s.K, at), e = normal(1.5 * spread);
      for (int j = 0; j < m; ++j) {
        u[j] = row % 2 ? u[j] + e[j] : uniform(task.scale);
        u[j] = std::clamp(u[j], -task.scale, task.scale);
        step.numbers("action")[row * m + j] = float(u[j] / task.scale);
      }
      const auto to = next(at, u);
      for (int i = 0; i < n; ++i) {
        step.numbers("obs")[row * n + i] = float(at[i]);
        step.numbers("next_obs")[row * n + i] = float(to[i]);
      }
      step.numbers("terminated")[row] = 1;
      step.numbers("reward")[row] =
          float(reward(at, u) +
                s.discount * (s.value(to) - trace(s.P * task.problem.W)));
    }
  }

  void step_task() {
    const int n = task.states_size(), m = task.controls();
    if (x.empty())
      for (int i = 0; i < parallel; ++i) {
        x.push_back(start());
        age.push_back(i); // so that they do not end together
      }
    Call &act = call("sample_" + std::to_string(parallel));
    for (int e = 0; e < parallel; ++e)
      for (int i = 0; i < n; ++i)
        act.numbers("obs")[e * n + i] = float(x[e][i]);
    act.set_count("step", steps++);
    act.run();
    for (int e = 0; e < parallel; ++e) {
      Transition seen;
      std::vector<double> u;
      for (int j = 0; j < m; ++j) {
        seen.action.push_back(replay.size() < 4000
                                  ? float(uniform(1))
                                  : act.numbers("action")[e * m + j]);
        u.push_back(task.scale * double(seen.action[j]));
      }
      seen.obs.assign(x[e].begin(), x[e].end());
      seen.reward = float(reward(x[e], u));
      const auto w = normal(noise);
      x[e] = next(x[e], u);
      for (int i = 0; i < n; ++i)
        x[e][i] += w[i];
      seen.next.assign(x[e].begin(), x[e].end());
      replay.push_back(std::move(seen));
      if (++age[e] >= episode) // cut, not ended
        x[e] = start(), age[e] = 0;
    }
  }

  void fill_replay() {
    Call &step = call("train_step");
    for (int row = 0; row < batch; ++row) {
      const Transition &seen = replay[std::uniform_int_distribution<size_t>(
          0, replay.size() - 1)(generator)];
      auto put = [&](const char *name, const std::vector<float> &from) {
        std::ranges::copy(from, &step.numbers(name)[row * from.size()]);
      };
      put("obs", seen.obs);
      put("action", seen.action);
      put("next_obs", seen.next);
      step.numbers("reward")[row] = seen.reward;
      step.numbers("terminated")[row] = 0;
    }
  }

  std::span<float> leaf(const std::string &name) const {
    void *address = nullptr;
    const phlox_tensor *tensor = nullptr;
    check(phlox_state_leaf(state, name.c_str(), &tensor, &address));
    return {static_cast<float *>(address), tensor->bytes / 4};
  }

  // a critic's network in f64
  double network(const std::string &name, std::vector<double> y) const {
    for (int layer = 1; layer <= critic_layers; ++layer) {
      const std::string path = name + "/layer" + std::to_string(layer);
      const auto weight = leaf(path + "/weight"), bias = leaf(path + "/bias");
      std::vector<double> z(bias.begin(), bias.end());
      for (size_t i = 0; i < y.size(); ++i)
        for (size_t j = 0; j < z.size(); ++j)
          z[j] += y[i] * weight[i * z.size() + j];
      if (layer < critic_layers)
        for (double &one : z)
          one *= std::tanh(std::log1p(std::exp(one)));
      y = std::move(z);
    }
    return y[0];
  }
};

LqrAgent::LqrAgent(const LqrTask &task, const std::string &algorithm,
                   const nlohmann::json &settings, int updates, unsigned seed)
    : impl(std::make_unique<Impl>(task, algorithm, settings, updates, seed)) {}
LqrAgent::~LqrAgent() = default;

void LqrAgent::learn_values(int updates) {
  for (int i = 0; i < updates; ++i) {
    impl->fill_values();
    impl->update();
  }
}

void LqrAgent::learn_task(int updates) {
  while (impl->replay.size() < 4000)
    impl->step_task();
  for (int i = 0; i < updates; ++i) {
    if (i % 4 == 0)
      impl->step_task();
    impl->fill_replay();
    impl->update();
  }
}

void LqrAgent::set_alpha(double alpha) {
  impl->leaf("log_alpha")[0] = float(std::log(alpha));
}

double LqrAgent::metric(const std::string &name) const {
  const auto &[sum, count] = impl->metrics.at(name);
  return sum / count;
}

void LqrAgent::forget_metrics() { impl->metrics.clear(); }

std::vector<double> LqrAgent::actions(std::span<const double> state) {
  Call &act = impl->call("sample_" + std::to_string(acting));
  auto obs = act.numbers("obs");
  for (size_t i = 0; i < obs.size(); ++i)
    obs[i] = float(state[i % state.size()]);
  std::vector<double> all;
  for (int draw = 0; draw < draws; ++draw) {
    act.set_count("step", impl->steps++);
    act.run();
    const auto actions = act.numbers("action");
    all.insert(all.end(), actions.begin(), actions.end());
  }
  return all;
}

LqrSpread LqrAgent::at(std::span<const double> state) {
  const LqrTask &task = impl->task;
  const int m = task.controls();
  const auto drawn = actions(state);
  const double count = double(drawn.size()) / m;
  LqrSpread found;
  found.mean.assign(m, 0);
  found.covariance = Matrix(m, m);
  for (size_t k = 0; k < drawn.size(); ++k)
    found.mean[k % m] += drawn[k] / count;
  for (size_t k = 0; k < drawn.size(); k += m)
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < m; ++j)
        found.covariance(i, j) += (drawn[k + i] - found.mean[i]) *
                                  (drawn[k + j] - found.mean[j]) / count;

  const double per = 1 / task.scale;
  const Matrix best = per * per * task.solution.covariance;
  const auto gain = times(per * task.solution.K, state);
  std::vector<double> off;
  for (int i = 0; i < m; ++i) {
    off.push_back(found.mean[i] + gain[i]);
    found.mean_error = std::max(found.mean_error, std::abs(off[i]));
    const double error = found.covariance(i, i) / best(i, i) - 1;
    if (std::abs(error) > std::abs(found.worst_variance))
      found.worst_variance = error;
  }
  double wrong = 0, size = 0;
  for (int i = 0; i < m * m; ++i) {
    wrong += std::pow(found.covariance.numbers[i] - best.numbers[i], 2);
    size += std::pow(best.numbers[i], 2);
  }
  found.covariance_error = std::sqrt(wrong / size);
  const Matrix inverse = cholesky_inverse(cholesky(best));
  found.divergence =
      (trace(inverse * found.covariance) - m + quadratic(inverse, off) +
       log_det(best) - log_det(found.covariance)) /
      2;
  return found;
}

LqrReport LqrAgent::report() {
  const LqrTask &task = impl->task;
  const int n = task.states_size(), m = task.controls();
  const double count = double(task.states.size());
  LqrReport report;
  Matrix covariance(m, m), moment(n, n), cross(m, n);
  for (const auto &state : task.states) {
    const LqrSpread found = at(state);
    report.mean_error = std::max(report.mean_error, found.mean_error);
    report.covariance_error =
        std::max(report.covariance_error, found.covariance_error);
    if (std::abs(found.worst_variance) > std::abs(report.worst_variance))
      report.worst_variance = found.worst_variance;
    report.divergence += found.divergence / count;
    covariance = covariance + 1 / count * found.covariance;
    const Matrix x(n, 1, state), mean(m, 1, found.mean);
    moment = moment + x * transposed(x);
    cross = cross + mean * transposed(x);
  }
  // least squares of mean = -gain x
  const Matrix gain =
      -task.scale * (cross * cholesky_inverse(cholesky(moment)));
  report.covariance = covariance;
  covariance = task.scale * task.scale * covariance;
  const double entropy = (m * std::log(2 * std::numbers::pi * std::numbers::e) +
                          log_det(covariance)) /
                         2;
  report.entropy_error = entropy - task.solution.entropy;
  report.value_gap =
      evaluate_lqr(task.problem, gain, covariance, entropy).c - task.solution.c;
  return report;
}

double LqrAgent::value(std::span<const double> state, double entropy) {
  const int m = impl->task.controls();
  const auto drawn = actions(state);
  const size_t used = std::min<size_t>(drawn.size() / m, acting);
  double mean = 0;
  for (size_t k = 0; k < used; ++k) {
    std::vector<double> in(state.begin(), state.end());
    in.insert(in.end(), &drawn[k * m], &drawn[k * m] + m);
    mean +=
        std::min(impl->network("critic/0", in), impl->network("critic/1", in)) /
        double(used);
  }
  return mean + impl->task.problem.alpha * entropy;
}

} // namespace phlox::test
