// The progress line of a run.
#include "rl/trainer/telemetry.h"
#include "rl/trainer/units.h"
#include <cmath>
#include <fmt/format.h>

namespace phlox::rl {
namespace {

// 1234567 as 1,234,567
std::string grouped(double value) {
  if (!std::isfinite(value) || std::abs(value) >= 1e15)
    return fmt::format("{}", value);
  if (std::abs(value) < 100) // small returns keep a digit
    return fmt::format("{:.1f}", value);
  std::string digits = fmt::format("{:.0f}", std::abs(value));
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return (value < 0 ? "-" : "") + digits;
}

std::string counted(std::int64_t value) {
  return value < 100 ? fmt::format("{}", value) : grouped(double(value));
}

} // namespace

std::string Telemetry::progress_line(const Counters &at) const {
  const double total = double(config_.total_timesteps);
  const double seconds = clock_.seconds() - shown_at_;
  const double speed =
      seconds > 0 ? double(at.env_step - shown_step_) / seconds : 0;
  std::string line = fmt::format(
      "{}/{}  {:.0f}%  {} steps/s  {} upd/s", counted(at.env_step),
      counted(config_.total_timesteps),
      total > 0 ? std::min(100., std::floor(100 * double(at.env_step) / total))
                : 100,
      counted(std::int64_t(speed)),
      counted(seconds > 0
                  ? std::int64_t(double(at.update - shown_update_) / seconds)
                  : 0));
  if (!returns_.empty()) {
    std::vector<double> recent(returns_.begin(), returns_.end());
    Summary summary = summarize(recent);
    line += fmt::format("  return {} (last {}: {} ± {})",
                        grouped(returns_.back()), returns_.size(),
                        grouped(summary.mean), grouped(summary.sd));
  }
  if (!evaluations_.empty() && evaluations_.back().at("mean").is_number())
    line += fmt::format(
        "  eval {} @{}", grouped(evaluations_.back().at("mean").get<double>()),
        counted(evaluations_.back().at("step").get<std::int64_t>()));
  if (auto alpha = metric("losses/alpha"))
    line += fmt::format("  α {:.2g}", *alpha);
  if (auto ess = metric("losses/ess_mean"))
    line += fmt::format("  ess {:.3g}", *ess);
  double left = total - double(at.env_step);
  if (speed > 0 && left > 0)
    line += "  left " + duration(left / speed);
  return line;
}

void Telemetry::progress(const Counters &at, bool now) {
  // the first line has nothing to compare with
  double seconds = clock_.seconds();
  if (shown_at_ == 0) {
    shown_at_ = seconds;
    shown_step_ = at.env_step;
    shown_update_ = at.update;
  }
  double every = log_.on_terminal() ? std::min(1.0, config_.log.stdout_s)
                                    : config_.log.stdout_s;
  if (!now && seconds - shown_at_ < every)
    return;
  if (seconds == shown_at_)
    return;
  log_.progress(progress_line(at));
  shown_at_ = seconds;
  shown_step_ = at.env_step;
  shown_update_ = at.update;
}

} // namespace phlox::rl
