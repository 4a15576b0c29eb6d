#include "tools/phlox/presets.h"

namespace phlox::tools {

std::string_view preset(std::string_view name) {
  struct Row {
    std::string_view name, toml;
  };
  static constexpr Row rows[] = {
#include "tools/phlox/presets.inc"
  };
  for (const Row &row : rows)
    if (row.name == name)
      return row.toml;
  return {};
}

} // namespace phlox::tools
