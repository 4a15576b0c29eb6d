// manifest.json: what ran, where, from when to when, and why it ended.
#pragma once
#include "phlox/executable.h"
#include "rl/trainer/counters.h"
#include "rl/trainer/run_folder.h"
#include <nlohmann/json.hpp>
#include <string>

namespace phlox::rl {

class Manifest {
public:
  /// Begins a manifest from the caller's rows; a resumed run keeps the start,
  /// the list of resumes and, unless it has new ones, the tags of the manifest
  /// in its folder.
  Manifest(const RunFolder &folder, const nlohmann::json &rows,
           const phlox_executable_table &table);
  /// Writes it to the folder; a failure is ignored.
  void write() const;
  /// Adds how the run ended, and writes it.
  void finish(const Counters &at, int status, const std::string &reason);
  const nlohmann::json &rows() const { return rows_; }

private:
  const RunFolder &folder_;
  nlohmann::json rows_;
};

} // namespace phlox::rl
