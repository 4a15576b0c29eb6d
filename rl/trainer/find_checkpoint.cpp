#include "rl/trainer/find_checkpoint.h"
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/errors.h"
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdexcept>

namespace phlox::rl {
namespace {

namespace fs = std::filesystem;

constexpr const char *arena = "arena.safetensors";

std::string folder_name(const std::string &wanted) {
  if (wanted == "best")
    return wanted;
  if (wanted.empty() || wanted.size() > 18 ||
      wanted.find_first_not_of("0123456789") != wanted.npos)
    throw UsageError(fmt::format(
        "--checkpoint must be best, last or an env step: got '{}'", wanted));
  return fmt::format("{:09}", std::stoll(wanted));
}

std::string known_names(const fs::path &folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto &entry : fs::directory_iterator(folder, ignored)) {
    std::string name = entry.path().filename().string();
    if (fs::exists(entry.path() / arena, ignored) && !name.starts_with("."))
      names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names.empty() ? "those in its folder, which has none"
                       : fmt::format("last, {}", fmt::join(names, ", "));
}

} // namespace

fs::path
find_checkpoint(const fs::path &run, const std::string &wanted,
                const std::function<void(const std::string &line)> &say) {
  const fs::path folder = run / "checkpoints";
  if (wanted == "last") {
    const fs::path found = newest_checkpoint(folder, verify_files, say);
    if (found.empty())
      throw std::runtime_error(
          fmt::format("{}: must hold a checkpoint: got none", folder.string()));
    return found;
  }
  const fs::path found = folder / folder_name(wanted);
  if (!fs::exists(found / arena))
    throw UsageError(fmt::format(
        "--checkpoint must be one of {}: got '{}'{}", known_names(folder),
        wanted,
        wanted == "best"
            ? ", which evaluations during training make (eval.every)"
            : ""));
  verify_files(found);
  return found;
}

} // namespace phlox::rl
