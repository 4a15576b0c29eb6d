#include "tools/phlox/sweep_table.h"
#include "tools/phlox/output.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace phlox::tools {
namespace {

constexpr int most_rows = 20; // redrawn

std::string number(const std::optional<double> &value) {
  if (!value || !std::isfinite(*value))
    return "–";
  return std::abs(*value) < 1000 ? fmt::format("{:.4g}", *value)
                                 : fmt::format("{:.0f}", *value);
}

// by columns that a terminal shows; names are ASCII, "–" is not
std::string padded(const std::string &text, std::size_t width) {
  std::size_t shown = 0;
  for (const char c : text)
    shown += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return std::string(width > shown ? width - shown : 0, ' ') + text;
}

std::size_t terminal_width() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
    return size.ws_col;
  return 80;
}

std::string cut(const std::string &text, std::size_t width) {
  std::size_t shown = 0;
  for (std::size_t i = 0; i < text.size(); i++)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 && ++shown > width)
      return text.substr(0, i);
  return text;
}

} // namespace

SweepTable::SweepTable(const SweepPlan &plan, bool quiet, bool alone)
    : plan_(plan), quiet_(quiet),
      terminal_(alone && isatty(STDOUT_FILENO) == 1),
      states_(plan.runs.size(), State::waiting), reasons_(plan.runs.size()),
      last_(Clock::now()) {
  for (const SweepRun &run : plan.runs)
    width_ = std::max(width_, run.name.size());
}

int SweepTable::count(State state) const {
  return static_cast<int>(std::count(states_.begin(), states_.end(), state));
}

void SweepTable::clear() {
  if (drawn_ > 0)
    show(fmt::format("\x1b[{}A\x1b[J", drawn_));
  drawn_ = 0;
}

void SweepTable::say(const std::string &line) {
  clear();
  show(line + "\n");
}

void SweepTable::started(std::size_t run) {
  states_[run] = State::working;
  if (!quiet_ && !terminal_)
    say("started  " + plan_.runs[run].name);
}

void SweepTable::done(std::size_t run, bool before) {
  states_[run] = State::done;
  if (!quiet_)
    say((before ? "was done " : "done     ") + row(run));
}

void SweepTable::failed(std::size_t run, const std::string &reason) {
  states_[run] = State::failed;
  reasons_[run] = reason;
  say(fmt::format("failed   {}: {}", plan_.runs[run].name, reason));
}

void SweepTable::left(std::size_t run) { states_[run] = State::left; }

std::string SweepTable::row(std::size_t run) const {
  const SweepRun &about = plan_.runs[run];
  const RunProgress progress =
      read_progress(plan_.out / about.name, about.total_timesteps);
  const double speed = progress.steps_per_second.value_or(0);
  const double share = 100 * static_cast<double>(progress.env_step) /
                       static_cast<double>(about.total_timesteps);
  std::string left = "–";
  if (states_[run] == State::working && speed > 0) {
    const auto seconds = static_cast<std::int64_t>(
        static_cast<double>(about.total_timesteps - progress.env_step) / speed);
    left = fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60,
                       seconds % 60);
  }
  return fmt::format("{:<{}} {:>9} {:>3.0f} % {} {} {} {}", about.name, width_,
                     progress.env_step, share,
                     padded(number(progress.steps_per_second), 8),
                     padded(number(progress.episodic_return), 9),
                     padded(number(progress.final_mean ? progress.final_mean
                                                       : progress.evaluation),
                            9),
                     padded(left, 8));
}

void SweepTable::draw(const std::vector<std::size_t> &working,
                      std::size_t waiting) {
  const auto now = Clock::now();
  if (quiet_ || now - last_ < std::chrono::seconds(terminal_ ? 1 : 60))
    return;
  last_ = now;
  const std::size_t width = terminal_ ? terminal_width() - 1 : 1000;
  std::vector<std::string> lines = {
      fmt::format("{:<{}} {:>9} {:>5} {:>8} {:>9} {:>9} {:>8}", "run", width_,
                  "step", "", "steps/s", "return", "eval", "left")};
  for (const std::size_t run : working)
    if (static_cast<int>(lines.size()) <= most_rows)
      lines.push_back(row(run));
  lines.push_back(fmt::format("{} done, {} at work, {} waiting, {} failed",
                              count(State::done), working.size(), waiting,
                              count(State::failed)));
  clear();
  std::string text;
  for (const std::string &line : lines)
    text += cut(line, width) + "\n";
  show(text);
  if (terminal_)
    drawn_ = static_cast<int>(lines.size());
}

void SweepTable::end(const std::vector<std::size_t> &runs) {
  static constexpr const char *words[] = {"waiting", "at work", "done",
                                          "failed", "to go on"};
  clear();
  std::string text = fmt::format(
      "{:<8} {:<{}} {:>9} {:>5} {:>8} {:>9} {:>9} {:>8}\n", "", "run", width_,
      "step", "", "steps/s", "return", "eval", "left");
  for (const std::size_t run : runs)
    text += fmt::format("{:<8} {}\n", words[static_cast<int>(states_[run])],
                        row(run));
  for (const std::size_t run : runs)
    if (states_[run] == State::failed)
      text +=
          fmt::format("failed {}: {}\n", plan_.runs[run].name, reasons_[run]);
  show(text + fmt::format("{} done, {} failed, {} to go on with\n",
                          count(State::done), count(State::failed),
                          count(State::left)));
}

} // namespace phlox::tools
