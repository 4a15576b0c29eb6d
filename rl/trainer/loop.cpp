#include "rl/trainer/loop.h"
#include "rl/replay/threefry.h"
#include "rl/trainer/errors.h"
#include "rl/trainer/signals.h"
#include "rl/trainer/units.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace phlox::rl {
namespace {

// noise counter of the acting that refills a replay that was not saved
constexpr std::uint64_t refill_step = 1ull << 62;

ReplayShape replay_shape(const TrainerConfig &config, const Program &program) {
  return {config.replay.capacity, program.obs_size(), program.action_size(),
          config.num_envs, config.replay.segment};
}

} // namespace

std::unique_ptr<AnyEnvironment> make_environment(const TrainRequest &request,
                                                 const Program &program,
                                                 int threads) {
  auto env = request.environments(
      {request.config.seed, "env", request.config.num_envs, threads});
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

CoreShare share_cores(const TrainerConfig &config) {
  phlox_pool *pool = nullptr;
  check(phlox_pool_create(config.threads, &pool));
  CoreShare share;
  share.all = share.updates = share.training = phlox_pool_threads(pool);
  phlox_pool_free(pool);
  if (!config.overlap || share.all == 1)
    return share;
  // an update is most of the work as a rule
  share.beside = true;
  share.training = std::clamp(share.all / 4, 1, config.num_envs);
  share.updates = share.all - share.training;
  return share;
}

Loop::Loop(const TrainRequest &request, RunFolder &folder, TextLog &log,
           const nlohmann::json &manifest)
    : request_(request), config_(request.config), folder_(folder), log_(log),
      manifest_(manifest), cores_(share_cores(request.config)),
      program_(request.executable, cores_.updates),
      env_(make_environment(request, program_, cores_.training)),
      parts_(env_->size(), env_->reward_part_names().size()),
      replay_(replay_shape(config_, program_)),
      checkpoints_(folder.path(), config_.checkpoint.keep, log) {
  held_before_ = process_memory();
  sampler_ = program_.actor("sample", config_.num_envs);
  if (const RolloutBuffer *rollout = program_.rollout()) {
    if (rollout->envs() != config_.num_envs || config_.overlap)
      throw UsageError(fmt::format(
          "a program that learns from rollouts of {} environments must be "
          "trained with as many, and not beside its updates: got num_envs = "
          "{}, overlap = {}",
          rollout->envs(), config_.num_envs, config_.overlap));
    rollout->check(sampler_->records());
  }
  if (program_.improves_actions())
    improved_.emplace(config_.replay.capacity, program_.action_size());
  if (config_.video.every > 0 && request.film && config_.eval.every > 0)
    filmed_ = program_.actor("evaluate", 1);
  if (config_.eval.every > 0 || config_.eval.final_episodes > 0)
    evaluator_ = program_.actor("evaluate", config_.eval.num_envs);
  if (program_.has_entry("sample_1"))
    single_ = program_.actor("sample", 1);
  obs_.resize(std::size_t(config_.num_envs) * program_.obs_size());
  action_.resize(std::size_t(config_.num_envs) * program_.action_size());
  if (cores_.beside)
    background_ = std::make_unique<Background>();
}

int Loop::run() {
  introduce();
  refill();
  Outcome outcome;
  do
    outcome = advance();
  while (outcome == Outcome::going);
  if (outcome == Outcome::failed)
    return 1;
  if (outcome == Outcome::stopped) {
    int signal = Signals::stop();
    reason_ = signal ? Signals::name(signal) : "stop_after";
    bool saved = checkpoint("stop");
    log_.say(fmt::format("stopped by {} at env step {}, update {}; go on: "
                         "phlox train --resume {}",
                         reason_, at_.env_step, at_.update,
                         folder_.path().string()));
    return saved ? (signal ? 128 + signal : 0) : 1;
  }
  return finish();
}

// the second line of the terminal, and the texts of the event file
void Loop::introduce() {
  Forecast needs =
      forecast(config_, program_.obs_size(), program_.action_size(),
               program_.table(), held_before_);
  const double compiling = manifest_.value("compile_s", 0.0);
  log_.say(fmt::format(
      "{} on {}: CPU, {} thread{}, artifact {:.12} ({}), about {} of memory "
      "and {} of disk",
      program_.table().program, config_.env, cores_.all,
      cores_.all == 1 ? "" : "s", program_.table().hash,
      compiling > 0 ? fmt::format("compiled in {:.1f} s", compiling)
                    : "compiled before",
      amount(needs.memory), amount(needs.disk)));
  if (const RolloutBuffer *rollout = program_.rollout()) {
    if (const std::int64_t rows = rollout->steps() * rollout->envs();
        config_.total_timesteps < rows)
      log_.warn(fmt::format("no update will be made: total_timesteps {} must "
                            "be a rollout's {} at least",
                            config_.total_timesteps, rows));
  } else if (config_.total_timesteps <= config_.learning_starts) {
    log_.warn(fmt::format("no update will be made: total_timesteps {} must be "
                          "above learning_starts {} for one",
                          config_.total_timesteps, config_.learning_starts));
  }
  std::string table = "|param|value|\n|-|-|\n";
  std::istringstream lines(request_.config_toml);
  for (std::string line; std::getline(lines, line);)
    if (std::size_t at = line.find(" = "); at != line.npos) {
      // the origin behind the value is a comment in a column of its own
      std::string value = line.substr(at + 3, line.rfind("  # ") - at - 3);
      value.erase(value.find_last_not_of(' ') + 1);
      table += fmt::format("|{}|{}|\n", line.substr(0, at), value);
    }
  telemetry_->text("hyperparameters", table);
  telemetry_->text(
      "manifest", "```\n" +
                      manifest_.dump(1, ' ', false,
                                     nlohmann::json::error_handler_t::replace) +
                      "\n```");
}

// says once that steps broke, and again each time they double
void Loop::report_broken(const char *where, std::int64_t now,
                         std::int64_t &said) {
  if (now == said || now < 2 * said)
    return;
  log_.warn(fmt::format("{}{}", where, broken_line(now)));
  said = now;
}

bool Loop::stop_requested() {
  return Signals::stop() != 0 ||
         (config_.stop_after > 0 &&
          request_.elapsed + clock_.here() > config_.stop_after);
}

// makes the updates that the env steps so far ask for
Loop::Outcome Loop::catch_up(bool may_stop) {
  while (at_.update < due()) {
    if (Outcome outcome = update(); outcome != Outcome::going)
      return outcome;
    if (may_stop && stop_requested())
      return Outcome::stopped;
  }
  return Outcome::going;
}

// Every branch is decided by the counters alone, so that a run which stops
// anywhere in here goes on as if it had not.
Loop::Outcome Loop::advance() {
  if (!config_.overlap)
    if (Outcome outcome = catch_up(true); outcome != Outcome::going)
      return outcome;
  if (Outcome outcome = pause(); outcome != Outcome::going)
    return outcome;
  if (at_.env_step >= config_.total_timesteps)
    return Outcome::done;
  if (config_.overlap) {
    if (Outcome outcome = collect_beside_updates(); outcome != Outcome::going)
      return outcome;
  } else {
    collect(true);
  }
  return stop_requested() ? Outcome::stopped : Outcome::going;
}

Loop::Outcome Loop::pause() {
  if (passed(at_.logged_at, at_.env_step, config_.log.every)) {
    at_.logged_at = at_.env_step;
    telemetry_->row(at_, {replay_.size(), env_->sim_warnings()});
    report_broken("", env_->sim_warnings(), broken_);
  }
  telemetry_->progress(at_);
  requested_ |= Signals::take_request();
  if (passed(at_.evaluated_at, at_.env_step, config_.eval.every)) {
    const bool shown =
        passed(at_.evaluated_at, at_.env_step, config_.video.every);
    const std::int64_t number = at_.evaluations;
    if (!evaluate_now())
      return Outcome::stopped;
    at_.evaluated_at = at_.env_step;
    if (shown && !film_now(number))
      return Outcome::stopped;
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

// what to do next where the environments stand
void Loop::choose(bool count) {
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
}

// stores what the step led to
void Loop::take_in(bool count) {
  const std::int64_t n = config_.num_envs;
  for (std::int64_t i = 0; i < n; ++i)
    if (!(std::abs(env_->reward()[i]) <= std::numeric_limits<float>::max()))
      throw std::runtime_error(fmt::format(
          "environment {} must give rewards that float32 holds: got "
          "{} after env step {}",
          i, env_->reward()[i], at_.env_step));
  {
    RunClock::Span span(clock_, Part::replay);
    const VectorStep step{obs_,
                          action_,
                          env_->next_obs(),
                          env_->reward(),
                          env_->terminated(),
                          env_->truncated()};
    if (RolloutBuffer *rollout = program_.rollout())
      rollout->add(step, sampler_->records());
    else
      replay_.add(step);
    if (improved_)
      improved_->add(action_);
  }
  parts_.add(env_->reward_parts());
  if (count) {
    at_.env_step += n;
    ++at_.vector_step;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    bool terminated = env_->terminated()[i], truncated = env_->truncated()[i];
    if (!terminated && !truncated)
      continue;
    std::vector<double> parts = parts_.take(static_cast<int>(i));
    if (!count)
      continue;
    ++at_.episodes;
    telemetry_->episode(at_, {static_cast<int>(i), env_->episode_return()[i],
                              env_->episode_length()[i], terminated, truncated,
                              std::move(parts)});
  }
}

void Loop::collect(bool count) {
  choose(count);
  {
    RunClock::Span span(clock_, Part::env);
    env_->step(action_);
  }
  take_in(count);
}

// The updates that are due run while the environments take a step that was
// chosen before them; neither touches what the other reads, so that the bits
// do not depend on who is first. A round is always finished: what a later
// update draws from would otherwise depend on where it stopped.
Loop::Outcome Loop::collect_beside_updates() {
  choose(true);
  Outcome outcome = Outcome::going;
  if (background_) {
    background_->start([this] { env_->step(action_); });
    std::exception_ptr thrown;
    try {
      outcome = catch_up(false);
    } catch (...) {
      thrown = std::current_exception();
    }
    RunClock::Span span(clock_, Part::env);
    background_->wait();
    if (thrown)
      std::rethrow_exception(thrown);
  } else {
    outcome = catch_up(false);
    RunClock::Span span(clock_, Part::env);
    env_->step(action_);
  }
  if (outcome == Outcome::going)
    take_in(true);
  return outcome;
}

Loop::Outcome Loop::update() {
  {
    RunClock::Span span(clock_, Part::replay);
    const auto update = std::uint64_t(at_.update);
    if (improved_)
      draw_stored();
    if (RolloutBuffer *rollout = program_.rollout())
      rollout->prepare(config_.seed, update,
                       double(at_.update * rollout->steps() * rollout->envs()) /
                           double(config_.total_timesteps));
    else
      replay_.sample(config_.seed, update, program_.batch().spans());
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
  if (improved_)
    store_improved();
  ++at_.update;
  if (RolloutBuffer *rollout = program_.rollout())
    rollout->clear();
  return Outcome::going;
}

int Loop::finish() {
  telemetry_->progress(at_, true);
  report_broken("", env_->sim_warnings(), broken_);
  bool saved = checkpoint("end");
  if (!evaluate_finally()) {
    int signal = Signals::stop();
    reason_ = signal ? Signals::name(signal) : "stop_after";
    return signal ? 128 + signal : 0;
  }
  reason_ = saved ? "finished" : "finished, but the last checkpoint failed";
  return saved ? 0 : 1;
}

} // namespace phlox::rl
