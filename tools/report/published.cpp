#include "tools/report/published.h"
#include <algorithm>

namespace phlox::report {
namespace {

constexpr const char *flame = "arXiv 2602.01606, abstract";
constexpr const char *flame_protocol = "mean ± sd, HalfCheetah-v5";
constexpr const char *fmer = "arXiv 2603.17685v1, table";
constexpr const char *fmer_protocol =
    "5 runs, evaluated each 10k steps; version of the task not known";

constexpr Published figures[] = {
    {"HalfCheetah-v5", "FLAME-R", 1e6, 11945.08, 461.47, flame, flame_protocol},
    {"HalfCheetah-v5", "SAC, by FLAME", 1e6, 11379.74, 474.51, flame,
     flame_protocol},
    {"HalfCheetah-v5", "SDAC, by FLAME", 1e6, 11165.70, 164.25, flame,
     flame_protocol},
    {"HalfCheetah-v5", "FMER", 1e6, 12332.38, 0, fmer, fmer_protocol},
    {"HalfCheetah-v5", "SAC, by FMER", 1e6, 10295.33, 0, fmer, fmer_protocol},
};

struct Scale {
  const char *env;
  double random, reference;
};

constexpr Scale scales[] = {
    {"HalfCheetah-v5", -274, 11945.1},
    {"Hopper-v5", 16.7, 3327.3},
    {"Walker2d-v5", 1.8, 3154.7},
    {"Ant-v5", -52, 6122.0},
    {"Humanoid-v5", 112.6, 6987.1},
    {"Reacher-v5", -43.3, -3.2},
    {"Pusher-v5", -149.2, -30.1},
    {"InvertedPendulum-v5", 5.2, 1000},
    {"InvertedDoublePendulum-v5", 49.1, 9358.9},
    {"Swimmer-v5", -1.3, 146.1},
};

} // namespace

std::vector<Published> published(std::string_view env) {
  std::vector<Published> found;
  std::copy_if(std::begin(figures), std::end(figures),
               std::back_inserter(found),
               [&](const Published &one) { return one.env == env; });
  return found;
}

std::optional<double> normalised(std::string_view env, double value) {
  for (const Scale &scale : scales)
    if (scale.env == env)
      return (value - scale.random) / (scale.reference - scale.random);
  return std::nullopt;
}

} // namespace phlox::report
