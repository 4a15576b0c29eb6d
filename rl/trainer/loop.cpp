#include "rl/trainer/loop.h"
#include "rl/replay/threefry.h"
#include "rl/trainer/errors.h"
#include "rl/trainer/signals.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <sstream>
#include <stdexcept>

namespace phlox::rl {
namespace {

// noise counter of the acting that refills a replay that was not saved
constexpr std::uint64_t refill_step = 1ull << 62;

std::unique_ptr<AnyEnvironment> make_environment(const TrainRequest &request,
                                                 const Program &program) {
  auto env = request.environments(
      {request.config.seed, "env", request.config.num_envs});
  if (env->size() != request.config.num_envs ||
      env->obs_size() != program.obs_size() ||
      env->action_size() != program.action_size())
    throw UsageError(fmt::format(
        "environment must have {} copies, observations of {} and actions of "
        "{}, as the program has: got {}, {} and {}",
        request.config.num_envs, program.obs_size(), program.action_size(),
        env->size(), env->obs_size(), env->action_size()));
  return env;
}

ReplayShape replay_shape(const TrainerConfig &config, const Program &program) {
  return {config.replay.capacity, program.obs_size(), program.action_size(),
          config.num_envs, config.replay.segment};
}

} // namespace

Loop::Loop(const TrainRequest &request, RunFolder &folder, TextLog &log)
    : request_(request), config_(request.config), folder_(folder), log_(log),
      program_(request.executable, request.config.threads),
      env_(make_environment(request, program_)),
      replay_(replay_shape(config_, program_)),
      checkpoints_(folder.path(), config_.checkpoint.keep, log) {
  sampler_ = program_.actor("sample", config_.num_envs);
  if (config_.eval.every > 0 || config_.eval.final_episodes > 0)
    evaluator_ = program_.actor("evaluate", config_.eval.num_envs);
  if (program_.has_entry("sample_1"))
    single_ = program_.actor("sample", 1);
  obs_.resize(std::size_t(config_.num_envs) * program_.obs_size());
  action_.resize(std::size_t(config_.num_envs) * program_.action_size());
}

int Loop::run(const nlohmann::json &manifest) {
  restore();
  introduce(manifest);
  Outcome outcome;
  do
    outcome = advance();
  while (outcome == Outcome::going);
  if (outcome == Outcome::failed)
    return 1;
  if (outcome == Outcome::stopped) {
    int signal = Signals::stop();
    reason_ = signal ? fmt::format("signal {}", signal) : "stop_after";
    bool saved = checkpoint("stop");
    log_.say(fmt::format("stopped by {} at env step {}, update {}", reason_,
                         at_.env_step, at_.update));
    return saved ? (signal ? 128 + signal : 0) : 1;
  }
  return finish();
}

// the second line of the terminal, and the texts of the event file
void Loop::introduce(const nlohmann::json &manifest) {
  Forecast needs = forecast(config_, program_.obs_size(),
                            program_.action_size(), program_.table());
  log_.say(fmt::format("{} {} on the CPU, {} threads, artifact {:.12}, at most "
                       "{:.2f} GB of memory and {:.2f} GB of disk",
                       program_.table().program, config_.env,
                       program_.threads(), program_.table().hash,
                       double(needs.memory) / 1e9, double(needs.disk) / 1e9));
  if (config_.total_timesteps <= config_.learning_starts)
    log_.warn(fmt::format("no update will be made: total_timesteps {} must be "
                          "above learning_starts {} for one",
                          config_.total_timesteps, config_.learning_starts));
  std::string table = "|param|value|\n|-|-|\n";
  std::istringstream lines(request_.config_toml);
  for (std::string line; std::getline(lines, line);)
    if (std::size_t at = line.find(" = "); at != line.npos)
      table += fmt::format("|{}|{}|\n", line.substr(0, at),
                           line.substr(at + 3, line.rfind("  # ") - at - 3));
  telemetry_->text("hyperparameters", table);
  telemetry_->text("manifest",
                   "```\n" +
                       manifest.dump(1, ' ', false,
                                     nlohmann::json::error_handler_t::replace) +
                       "\n```");
}

// says once that steps broke, and again each time they double
void Loop::report_broken() {
  const std::int64_t now = env_->sim_warnings();
  if (now == 0 || now < 2 * broken_)
    return;
  if (now > broken_)
    log_.warn(fmt::format("{} environment steps gave numbers that were not "
                          "finite: each counts as reward 0 and ends its "
                          "episode",
                          now));
  broken_ = now;
}

bool Loop::stop_requested() {
  return Signals::stop() != 0 ||
         (config_.stop_after > 0 && clock_.here() > config_.stop_after);
}

// Every branch is decided by the counters alone, so that a run which stops
// anywhere in here goes on as if it had not.
Loop::Outcome Loop::advance() {
  while (at_.update <
         updates_due(at_.env_step, config_.learning_starts, config_.utd)) {
    if (Outcome outcome = update(); outcome != Outcome::going)
      return outcome;
    if (stop_requested())
      return Outcome::stopped;
  }
  if (Outcome outcome = pause(); outcome != Outcome::going)
    return outcome;
  if (at_.env_step >= config_.total_timesteps)
    return Outcome::done;
  collect(true);
  return stop_requested() ? Outcome::stopped : Outcome::going;
}

Loop::Outcome Loop::pause() {
  if (passed(at_.logged_at, at_.env_step, config_.log.every)) {
    at_.logged_at = at_.env_step;
    telemetry_->row(at_, {replay_.size(), env_->sim_warnings()});
    report_broken();
  }
  telemetry_->progress(at_);
  requested_ |= Signals::take_request();
  if (passed(at_.evaluated_at, at_.env_step, config_.eval.every)) {
    if (!evaluate_now())
      return Outcome::stopped;
    at_.evaluated_at = at_.env_step;
  }
  bool due = passed(saved_step_, at_.env_step, config_.checkpoint.every) &&
             clock_.here() - saved_at_ >= config_.checkpoint.min_interval;
  if ((due || requested_) && !checkpoint("schedule") && failures_ >= 3) {
    reason_ = "three checkpoints in a row failed";
    log_.warn(fmt::format("stopped at env step {}: one checkpoint in three "
                          "tries must succeed: got three failures",
                          at_.env_step));
    return Outcome::failed;
  }
  if (requested_)
    evaluate_on_request();
  requested_ = false;
  return Outcome::going;
}

void Loop::collect(bool count) {
  const std::int64_t n = config_.num_envs;
  auto observed = env_->obs();
  std::copy(observed.begin(), observed.end(), obs_.begin());
  if (at_.env_step < config_.learning_starts) {
    Stream stream(config_.seed, "warmup", std::uint64_t(at_.vector_step));
    for (std::size_t i = 0; i < action_.size(); ++i)
      action_[i] = 2 * stream.uniform(i) - 1;
  } else {
    RunClock::Span span(clock_, Part::sample);
    std::uint64_t step = std::uint64_t(at_.vector_step);
    sampler_->act(obs_,
                  count ? step : refill_step + std::uint64_t(replay_.count()),
                  action_);
  }
  {
    RunClock::Span span(clock_, Part::env);
    env_->step(action_);
  }
  for (std::int64_t i = 0; i < n; ++i)
    if (!std::isfinite(env_->reward()[i]))
      throw std::runtime_error(
          fmt::format("environment {} must give finite rewards: got {} after "
                      "env step {}",
                      i, env_->reward()[i], at_.env_step));
  {
    RunClock::Span span(clock_, Part::replay);
    replay_.add({obs_, action_, env_->next_obs(), env_->reward(),
                 env_->terminated(), env_->truncated()});
  }
  if (!count)
    return;
  at_.env_step += n;
  ++at_.vector_step;
  for (std::int64_t i = 0; i < n; ++i) {
    bool terminated = env_->terminated()[i], truncated = env_->truncated()[i];
    if (!terminated && !truncated)
      continue;
    ++at_.episodes;
    telemetry_->episode(at_,
                        {static_cast<int>(i), env_->episode_return()[i],
                         env_->episode_length()[i], terminated, truncated});
  }
}

Loop::Outcome Loop::update() {
  {
    RunClock::Span span(clock_, Part::replay);
    replay_.sample(config_.seed, std::uint64_t(at_.update),
                   program_.batch().spans());
  }
  bool finite;
  {
    RunClock::Span span(clock_, Part::update);
    finite = program_.train_step();
  }
  if (!finite) {
    reason_ = fmt::format("not finite at update {}", at_.update);
    write_nan_folder();
    return Outcome::failed;
  }
  telemetry_->update(program_.metrics());
  ++at_.update;
  return Outcome::going;
}

// without a saved replay, what the updates draw from must be acted out again
void Loop::refill() {
  std::int64_t wanted = std::min(
      {std::max<std::int64_t>(config_.learning_starts, program_.batch().size),
       replay_.shape().capacity, at_.env_step});
  if (replay_.size() >= wanted)
    return;
  log_.warn(fmt::format("the checkpoint has no replay (replay.save = false): "
                        "acting {} env steps to refill it; the run will "
                        "differ from an unbroken one",
                        wanted));
  while (replay_.size() < wanted && !stop_requested())
    collect(false);
}

int Loop::finish() {
  telemetry_->progress(at_, true);
  report_broken();
  bool saved = checkpoint("end");
  if (!evaluate_finally()) {
    int signal = Signals::stop();
    reason_ = signal ? fmt::format("signal {}", signal) : "stop_after";
    return signal ? 128 + signal : 0;
  }
  reason_ = saved ? "finished" : "finished, but the last checkpoint failed";
  return saved ? 0 : 1;
}

} // namespace phlox::rl
