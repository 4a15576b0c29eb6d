#include "envs/mujoco_parts.h"

#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <stdexcept>

namespace phlox::envs {

int find_body(const Model &model, const std::string &name) {
  const int body = mj_name2id(model.model.get(), mjOBJ_BODY, name.c_str());
  if (body >= 0)
    return body;
  std::vector<std::string> names;
  for (int k = 0; k < model.model->nbody; ++k) {
    const char *known = mj_id2name(model.model.get(), mjOBJ_BODY, k);
    names.emplace_back(known ? known : "(without a name)");
  }
  throw std::runtime_error(
      fmt::format("{}: a body '{}' is required for this task: got {}",
                  model.path, name, fmt::join(names, ", ")));
}

double distance(const mjData &data, int one_body, int other_body) {
  double sum = 0;
  for (int k = 0; k < 3; ++k) {
    const double gap =
        data.xpos[3 * one_body + k] - data.xpos[3 * other_body + k];
    sum += gap * gap;
  }
  return std::sqrt(sum);
}

} // namespace phlox::envs
