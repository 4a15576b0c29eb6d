#include "rl/trainer/manifest.h"
#include "phlox/runtime.h"
#include "rl/trainer/checkpoint.h"
#include "runtime/sha256.h"
#include <algorithm>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fstream>
#include <gnu/libc-version.h>
#include <unistd.h>

namespace phlox::rl {
namespace {

using nlohmann::json;

constexpr int manifest_schema = 1;

std::string now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

// the first value of a row of /proc/cpuinfo
std::string cpu_row(std::string_view name) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line))
    if (line.starts_with(name))
      if (std::size_t at = line.find(": "); at != line.npos)
        return line.substr(at + 2);
  return "";
}

bool is_words(const json &value) {
  return value.is_array() && std::ranges::all_of(value, [](const json &one) {
           return one.is_string();
         });
}

} // namespace

Manifest::Manifest(const RunFolder &folder, const json &rows,
                   const phlox_executable_table &table)
    : folder_(folder), rows_(rows) {
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  rows_["schema"] = manifest_schema;
  rows_["host"] = host;
  rows_["process"] = getpid();
  rows_["cpu"] = cpu_row("model name");
  rows_["cpu_flags"] = cpu_row("flags");
  rows_["glibc"] = gnu_get_libc_version();
  rows_["runtime"] = phlox_runtime_version();
  rows_["program"] = table.program;
  rows_["compiler"] = table.compiler;
  rows_["artifact_hash"] = table.hash;
  rows_["start"] = now();
  rows_["end"] = nullptr;
  if (!folder.resumed())
    return;
  try {
    json before = read_json(folder.path() / "manifest.json");
    json resumes = before.value("resumes", json::array());
    resumes.push_back(rows_["start"]);
    rows_["resumes"] = resumes;
    rows_["start"] = before.at("start");
    if (!rows_.contains("tags") && is_words(before.value("tags", json())))
      rows_["tags"] = before["tags"];
  } catch (const std::exception &) {
    // a manifest that is gone or damaged stops no run
    rows_["resumes"] = json::array({rows_["start"]});
  }
}

void Manifest::write() const {
  try {
    // arguments need not be UTF-8
    write_text(folder_.path() / "manifest.json",
               rows_.dump(1, ' ', false, json::error_handler_t::replace) +
                   "\n");
  } catch (const std::exception &) {
    // a full disk is said where rows are lost
  }
}

void Manifest::finish(const Counters &at, int status,
                      const std::string &reason) {
  rows_["end"] = now();
  rows_["exit_status"] = status;
  rows_["exit_reason"] = reason;
  rows_["env_step"] = at.env_step;
  rows_["update"] = at.update;
  json sums = json::object();
  for (const char *name : {"config.toml", "artifact.so", "metrics.csv",
                           "episodes.csv", "eval.csv", "result.json"}) {
    try {
      std::string text = read_text(folder_.path() / name);
      sums[name] = runtime::to_hex(
          runtime::sha256(std::as_bytes(std::span<const char>(text))));
    } catch (const std::exception &) {
      // not every run has every file
    }
  }
  rows_["sha256"] = sums;
  write();
}

} // namespace phlox::rl
