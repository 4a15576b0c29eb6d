// JSON of run folders, which anybody may have written.
#pragma once
#include <nlohmann/json.hpp>
#include <string_view>

namespace phlox::rl {

/// The deepest nesting of arrays and objects that is read: the library copies
/// and writes values by recursion, which deeper ones would let overflow.
inline constexpr int deepest_json = 64;

/// Parses JSON; is_discarded() if it is none or nests deeper than that.
nlohmann::json parse_json(std::string_view text);

} // namespace phlox::rl
