// phlox env replay: open-loop steps from a given state, for comparisons.
#include "envs/registry.h"
#include "envs/replay.h"
#include "runtime/dtype.h"
#include "runtime/safetensors.h"
#include "tools/phlox/output.h"
#include "tools/phlox/verbs.h"

#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace phlox::tools {
namespace {

struct Arguments {
  std::string id, in, out;
  std::vector<std::string> settings; // KEY=VALUE
};

/// The numbers of one input and the extents they came with.
struct Input {
  std::vector<std::int64_t> shape;
  std::vector<double> numbers;
};

Input read_input(const runtime::TensorFile &file, const std::string &path,
                 const char *name, std::size_t rank) {
  const runtime::StoredTensor *tensor = file.find(name);
  if (!tensor)
    throw std::runtime_error(
        fmt::format("{}: a tensor '{}' is required: got none", path, name));
  if (tensor->dtype != PHLOX_F64 || tensor->shape.size() != rank)
    throw std::runtime_error(
        fmt::format("{}: '{}' must be f64 of rank {}: got {}", path, name, rank,
                    runtime::type_text(tensor->dtype, tensor->shape)));
  Input input{tensor->shape,
              std::vector<double>(tensor->data.size() / sizeof(double))};
  if (!tensor->data.empty())
    std::memcpy(input.numbers.data(), tensor->data.data(), tensor->data.size());
  return input;
}

// VALUE is JSON where it reads as such, else a string
envs::Kwargs read_settings(const std::vector<std::string> &settings) {
  auto kwargs = envs::Kwargs::object();
  for (const std::string &setting : settings) {
    const std::size_t split = setting.find('=');
    if (split == std::string::npos || split == 0)
      throw CLI::ValidationError(
          fmt::format("--set must be KEY=VALUE: got '{}'", setting));
    std::string key = setting.substr(0, split);
    if (key.starts_with("env."))
      key = key.substr(4);
    const std::string value = setting.substr(split + 1);
    kwargs[key] = envs::Kwargs::parse(value, nullptr, false);
    if (kwargs[key].is_discarded())
      kwargs[key] = value;
  }
  return kwargs;
}

std::unique_ptr<envs::Environment> make(const Arguments &arguments) {
  const envs::Kwargs kwargs = read_settings(arguments.settings);
  try {
    return envs::make_environment(arguments.id, kwargs);
  } catch (const std::invalid_argument &error) {
    throw CLI::ValidationError(error.what());
  }
}

void write(const std::string &path, const envs::Replay &result,
           std::int64_t steps, std::int64_t obs_size) {
  const std::int64_t rows[] = {steps}, matrix[] = {steps, obs_size};
  const runtime::TensorView tensors[] = {
      {"obs", PHLOX_F64, matrix, std::as_bytes(std::span(result.obs))},
      {"reward", PHLOX_F64, rows, std::as_bytes(std::span(result.reward))},
      {"terminated", PHLOX_BOOL, rows,
       std::as_bytes(std::span(result.terminated))}};
  runtime::write_safetensors(path, tensors);
}

void replay(const Arguments &arguments) {
  const auto environment = make(arguments);
  const envs::Spec &spec = environment->spec();
  const auto file = runtime::read_safetensors(arguments.in);
  const Input qpos = read_input(file, arguments.in, "qpos", 1);
  // a task without velocities needs none
  const Input qvel = spec.qvel_size == 0 && !file.find("qvel")
                         ? Input{}
                         : read_input(file, arguments.in, "qvel", 1);
  const Input actions = read_input(file, arguments.in, "actions", 2);
  if (actions.shape[1] != spec.action_size)
    throw std::runtime_error(fmt::format(
        "{}: 'actions' must be steps x {} for {}: got {}x{}", arguments.in,
        spec.action_size, spec.id, actions.shape[0], actions.shape[1]));
  const envs::Replay result =
      envs::replay(*environment, qpos.numbers, qvel.numbers,
                   std::span<const double>(actions.numbers));
  write(arguments.out, result, actions.shape[0], spec.obs_size);
  if (result.sim_warnings > 0)
    warn(fmt::format("{}: the simulator met a broken state in {} of {} steps "
                     "and went on",
                     spec.id, result.sim_warnings, actions.shape[0]));
}

} // namespace

void add_env_verb(CLI::App &app) {
  CLI::App *verb = app.add_subcommand("env", "Work with one environment");
  verb->require_subcommand(1);
  auto arguments = std::make_shared<Arguments>();
  CLI::App *action = verb->add_subcommand(
      "replay", "Step from a given state through given actions, in the task's "
                "own units, not clipped, without resets or noise");
  action
      ->add_option("ENV", arguments->id,
                   "An id that phlox envs lists, or PATH.so:ID")
      ->required();
  action
      ->add_option("--in", arguments->in,
                   "Safetensors with qpos (nq), qvel (nv), actions (T, A), F64")
      ->required();
  action
      ->add_option("--out", arguments->out,
                   "Safetensors to write: obs (T, O), reward (T), F64, and "
                   "terminated (T), BOOL")
      ->required();
  action
      ->add_option("--set", arguments->settings,
                   "A keyword argument of the environment, KEY=VALUE")
      ->take_all()
      ->expected(1);
  action->callback([arguments] { replay(*arguments); });
}

} // namespace phlox::tools
