// An exported policy on disk: its files, their sums, and its self-test.
#pragma once
#include "rl/trainer/program.h"
#include "tools/phlox/setup.h"
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace phlox::tools {

/// A policy's entry point `act` with its parameters, loaded from a folder.
class ExportedPolicy {
public:
  /// Loads policy.so; parameters are zeros until load() or a copy.
  explicit ExportedPolicy(const std::filesystem::path &folder);
  /// Takes over all leaves that another state has under the same names.
  void copy(phlox_state *from);
  void save(const std::filesystem::path &file) const;
  void load(const std::filesystem::path &file);

  /// Acts once, in the task's units.
  ///
  /// Shapes:  obs (O), action (A).
  void act(std::span<const float> obs, std::uint64_t step,
           std::span<float> action);
  /// Computes the same in f64, op by op; needs the compiler.
  std::vector<float> interpret(std::span<const float> obs, std::uint64_t step);

  const phlox_executable_table &table() const {
    return *phlox_executable_table_of(executable_.get());
  }
  int obs_size() const { return obs_size_; }
  int action_size() const { return action_size_; }

private:
  Executable executable_;
  std::unique_ptr<phlox_state, rl::RuntimeDelete> state_;
  std::unique_ptr<phlox_entry, rl::RuntimeDelete> act_;
  int obs_size_ = 0, action_size_ = 0;
};

/// Observations, noise counters, and what the policy must answer.
struct SelfTest {
  std::vector<float> obs, action, tolerance; // (T, O), (T, A), (A)
  std::vector<std::uint64_t> step;           // (T)

  void save(const std::filesystem::path &file) const;
  static SelfTest load(const std::filesystem::path &file);
  /// Returns the largest difference as a share of the tolerance.
  ///
  /// Errors:  std::runtime_error if it is above 1, naming the action.
  double run(ExportedPolicy &policy) const;
};

/// Returns size and SHA-256 of the named files: {name: {"bytes", "sha256"}}.
nlohmann::ordered_json sums_of(const std::filesystem::path &folder,
                               std::span<const std::string> names);

/// Returns policy_check.h: what a host in C compiles in, so that it can refuse
/// files that do not belong to it.
std::string check_header(const nlohmann::ordered_json &card,
                         const std::string &card_text, const SelfTest &test);

/// Checks a folder whole: sums, hashes, table and self-test; returns a line.
///
/// Errors:  std::runtime_error naming the file that is wrong.
std::string check_policy_folder(const std::filesystem::path &folder);

} // namespace phlox::tools
