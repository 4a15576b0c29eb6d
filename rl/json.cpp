#include "rl/json.h"

namespace phlox::rl {

using nlohmann::json;

json parse_json(std::string_view text) {
  bool fits = true;
  json found = json::parse(
      text,
      [&](int depth, json::parse_event_t, const json &) {
        return fits = fits && depth <= deepest_json;
      },
      false);
  return fits ? found : json(json::value_t::discarded);
}

} // namespace phlox::rl
