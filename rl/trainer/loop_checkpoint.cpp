// How the loop writes itself into a checkpoint and goes on from one.
#include "rl/trainer/errors.h"
#include "rl/trainer/loop.h"
#include "runtime/dtype.h"
#include "runtime/safetensors.h"
#include <array>
#include <fmt/format.h>
#include <limits>
#include <stdexcept>

namespace phlox::rl {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int trainer_schema = 1;

json to_json(const Counters &at) {
  return {{"env_step", at.env_step},
          {"vector_step", at.vector_step},
          {"update", at.update},
          {"episodes", at.episodes},
          {"evaluations", at.evaluations},
          {"logged_at", at.logged_at},
          {"evaluated_at", at.evaluated_at}};
}

Counters counters_from(const json &from) {
  Counters at;
  const std::pair<const char *, std::int64_t *> all[] = {
      {"env_step", &at.env_step},
      {"vector_step", &at.vector_step},
      {"update", &at.update},
      {"episodes", &at.episodes},
      {"evaluations", &at.evaluations},
      {"logged_at", &at.logged_at},
      {"evaluated_at", &at.evaluated_at}};
  for (auto [key, value] : all)
    if (*value = from.at(key).get<std::int64_t>(); *value < 0)
      throw std::runtime_error(fmt::format(
          "trainer.json: {} must not be negative: got {}", key, *value));
  return at;
}

Series series_of(const Program &program, const AnyEnvironment &env) {
  const auto names = env.reward_part_names();
  return {program.metric_names(),
          {names.begin(), names.end()},
          !env.success().empty()};
}

} // namespace

json Loop::trainer_state() {
  return {{"schema", trainer_schema},          {"counters", to_json(at_)},
          {"telemetry", telemetry_->save()},   {"parts", parts_.sums()},
          {"artifact", program_.table().hash}, {"threads", cores_.all},
          {"replay", config_.replay.save}};
}

void Loop::fill_checkpoint(const fs::path &folder) {
  check(phlox_state_save(program_.state(),
                         (folder / "arena.safetensors").c_str()));
  std::vector<std::byte> bytes = env_->save();
  const std::array<std::int64_t, 1> shape = {
      static_cast<std::int64_t>(bytes.size())};
  const std::array<runtime::TensorView, 1> views = {
      {{"env", runtime::dtype_u8, shape, bytes}}};
  runtime::write_safetensors((folder / "envs.safetensors").string(), views);
  if (const RolloutBuffer *rollout = program_.rollout())
    rollout->save((folder / "rollout.safetensors").string());
  // rewritten rows lie all over it, so that it is saved whole
  if (improved_ && config_.replay.save)
    improved_->save((folder / "improved.safetensors").string());
  write_text(folder / "config.toml", request_.config_toml);
  // arguments need not be UTF-8
  write_text(folder / "manifest.json",
             manifest_.dump(1, ' ', false, json::error_handler_t::replace) +
                 "\n");
  write_text(folder / "trainer.json", trainer_state().dump(1) + "\n");
}

bool Loop::checkpoint(const char *why) {
  RunClock::Span span(clock_, Part::checkpoint);
  saved_step_ = at_.env_step;
  try {
    checkpoints_.write(
        at_.env_step,
        [this](const fs::path &folder) { fill_checkpoint(folder); },
        config_.replay.save ? &replay_ : nullptr);
  } catch (const std::exception &error) {
    ++failures_;
    saved_at_ = clock_.here();
    log_.warn(
        fmt::format("checkpoint at env step {} failed ({} in a row), {}: {}",
                    at_.env_step, failures_,
                    checkpoints_.any() ? "the one before is intact"
                                       : "there is none before it",
                    error.what()));
    return false;
  }
  failures_ = 0;
  saved_at_ = clock_.here();
  log_.detail(fmt::format("checkpoint at env step {} ({})", at_.env_step, why));
  return true;
}

void Loop::restore() {
  fs::path from = folder_.resumed() ? checkpoints_.newest() : fs::path();
  if (from.empty()) {
    if (folder_.resumed())
      log_.say("no checkpoint yet: starting from the beginning");
    program_.init(config_.seed);
    env_->reset();
    telemetry_.emplace(folder_, config_, series_of(program_, *env_), clock_,
                       log_, json());
    return;
  }
  json saved = read_json(from / "trainer.json");
  if (saved.at("schema") != trainer_schema)
    throw std::runtime_error(fmt::format(
        "{}: schema must be {}: got {}", (from / "trainer.json").string(),
        trainer_schema, saved.at("schema").dump()));
  at_ = counters_from(saved.at("counters"));
  // the last vector step may have gone beyond
  if (at_.env_step >= config_.total_timesteps + config_.num_envs)
    throw UsageError(fmt::format(
        "total_timesteps must be at least {}, the env steps that {} has made: "
        "got {}",
        at_.env_step, folder_.path().string(), config_.total_timesteps));
  check(
      phlox_state_load(program_.state(), (from / "arena.safetensors").c_str()));
  auto envs = runtime::read_safetensors((from / "envs.safetensors").string());
  const runtime::StoredTensor *bytes = envs.find("env");
  if (!bytes)
    throw std::runtime_error(
        fmt::format("{}: must hold a tensor 'env': got none",
                    (from / "envs.safetensors").string()));
  env_->load(bytes->data);
  // NaN, of episodes that began before this was kept, is null
  std::vector<double> parts;
  for (const json &sum : saved.value("parts", json::array()))
    parts.push_back(sum.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                  : sum.get<double>());
  parts_.restore(parts);
  if (saved.at("replay").get<bool>())
    replay_.load(checkpoints_.segments(), read_text(from / "replay.json"),
                 true);
  if (improved_ && saved.at("replay").get<bool>())
    improved_->load((from / "improved.safetensors").string(), replay_.count());
  if (RolloutBuffer *rollout = program_.rollout())
    rollout->load((from / "rollout.safetensors").string(),
                  at_.vector_step - at_.update * rollout->steps());
  json telemetry = saved.at("telemetry");
  telemetry["env_step"] = at_.env_step;
  telemetry_.emplace(folder_, config_, series_of(program_, *env_), clock_, log_,
                     telemetry);
  saved_step_ = at_.env_step;
  if (saved.at("artifact") != program_.table().hash)
    log_.warn(fmt::format("the artifact is another one than the checkpoint's "
                          "({} instead of {}): results may differ",
                          program_.table().hash,
                          saved.at("artifact").get<std::string>()));
  if (int before = saved.at("threads").get<int>(); before != cores_.all)
    log_.say(fmt::format("{} threads instead of the checkpoint's {}",
                         cores_.all, before));
  log_.say(fmt::format(
      "resumed from {} at env step {}, update {}{}", from.filename().string(),
      at_.env_step, at_.update,
      at_.env_step < config_.total_timesteps
          ? ""
          : fmt::format(": nothing is left to train of {} env steps",
                        config_.total_timesteps)));
}

} // namespace phlox::rl
