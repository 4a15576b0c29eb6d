#include "rl/trainer/schema.h"
#include "rl/trainer/errors.h"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace phlox::rl {
namespace {

using nlohmann::json;

// other programs' names for what is here, of several the first that there is;
// '-' counts as '_'
struct Alias {
  std::string_view theirs, ours, relation = "it is";
};
constexpr Alias aliases[] = {
    {"gamma", "discount"},
    {"tau", "ema_rate"},
    {"polyak", "ema_rate"},
    {"q_lr", "critic.lr"},
    {"critic_lr", "critic.lr"},
    {"policy_lr", "actor.lr"},
    {"actor_lr", "actor.lr"},
    {"learning_rate", "actor.lr"},
    {"alpha_lr", "alpha.lr"},
    {"buffer_size", "replay.capacity"},
    {"ent_coef", "alpha.initial"},
    {"autotune", "alpha.fixed", "its opposite is"},
    {"fix_alpha", "alpha.fixed"},
    {"train_freq", "utd", "its inverse is"},
    {"gradient_steps", "utd"},
    {"policy_frequency", "actor.every"},
    {"policy_delay", "actor.every"},
    {"alpha_delay", "alpha.every"},
    {"batch_size", "batch"},
    {"n_envs", "num_envs"},
    {"eval_freq", "eval.every"},
    {"n_eval_episodes", "eval.episodes"},
    {"save_freq", "checkpoint.every"},
    {"env_id", "env.id"},
    {"env", "env.id"},
    {"N", "nfe"},
    {"K", "proposals"},
    {"P", "particles"},
    {"t_min", "time_min"},
    {"num_samples", "particles"},
    {"num_steps", "rollout_steps"},
    {"n_steps", "rollout_steps"},
    {"num_minibatches", "minibatches"},
    {"update_epochs", "epochs"},
    {"n_epochs", "epochs"},
    {"clip_coef", "clip"},
    {"clip_range", "clip"},
    {"clip_vloss", "clip_value"},
    {"ent_coef", "entropy_coef"},
    {"vf_coef", "value_coef"},
    {"learning_rate", "lr"},
    {"policy_noise", "target_std"},
    {"target_policy_noise", "target_std"},
    {"noise_clip", "target_clip"},
    {"target_noise_clip", "target_clip"},
    {"exploration_noise", "exploration_std"},
};

// letters inserted, deleted, replaced or swapped
int distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<int>> d(a.size() + 1, std::vector<int>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i)
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = static_cast<int>(i + j);
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1,
                          d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

bool is_exact_integer(double value) {
  return std::trunc(value) == value && std::abs(value) <= 9007199254740992.0;
}

// returns a discarded value if it does not fit
json as(std::string_view type, const json &value) {
  const json none = json::value_t::discarded;
  if (type == "any")
    return value;
  if (type.ends_with("[]")) {
    if (!value.is_array())
      return none;
    json result = json::array();
    for (const json &one : value)
      if (result.push_back(as(type.substr(0, type.size() - 2), one));
          result.back().is_discarded())
        return none;
    return result;
  }
  if (type == "bool")
    return value.is_boolean() ? value : none;
  if (type == "string")
    return value.is_string() ? value : none;
  if (type == "float")
    return value.is_number() ? json(value.get<double>()) : none;
  if (type != "int")
    return none;
  if (value.is_number_integer())
    return value;
  if (value.is_number_float() && is_exact_integer(value.get<double>()))
    return static_cast<std::int64_t>(value.get<double>());
  return none;
}

template <class F> void each_type(std::string_view types, F &&take) {
  while (!types.empty()) {
    std::size_t bar = std::min(types.find('|'), types.size());
    take(types.substr(0, bar));
    types.remove_prefix(std::min(bar + 1, types.size()));
  }
}

} // namespace

void Schema::add(KeySpec spec) {
  constexpr std::string_view known[] = {
      "int", "float", "bool", "string", "int[]", "float[]", "string[]", "any"};
  for (const KeySpec &other : keys_)
    if (other.key == spec.key)
      throw std::runtime_error(
          fmt::format("key '{}' must be listed once: got it twice", spec.key));
  bool fine = !spec.type.empty();
  each_type(spec.type, [&](std::string_view type) {
    fine &=
        std::find(std::begin(known), std::end(known), type) != std::end(known);
  });
  if (!fine)
    throw std::runtime_error(
        fmt::format("key '{}' must have a type of {}: got '{}'", spec.key,
                    fmt::join(known, ", "), spec.type));
  if (!spec.fallback.is_null())
    spec.fallback = typed(spec, spec.fallback, spec.key);
  keys_.push_back(std::move(spec));
}

void Schema::add_json(const json &rows) {
  try {
    for (const json &row : rows) {
      KeySpec spec;
      spec.key = row.at("key").get<std::string>();
      spec.type = row.at("type").get<std::string>();
      spec.fallback = row.at("default");
      spec.doc = row.at("doc").get<std::string>();
      spec.least = row.value("min", spec.least);
      spec.most = row.value("max", spec.most);
      add(std::move(spec));
    }
  } catch (const json::exception &error) {
    throw std::runtime_error(fmt::format("an algorithm's keys must be rows of "
                                         "key, type, default and doc: got {}",
                                         error.what()));
  }
}

const KeySpec *Schema::find(std::string_view key) const {
  for (const KeySpec &spec : keys_)
    if (spec.key == key)
      return &spec;
  for (const KeySpec &spec : keys_)
    if (spec.key.ends_with(".*") && key.size() > spec.key.size() - 1 &&
        key.starts_with(
            std::string_view(spec.key).substr(0, spec.key.size() - 1)))
      return &spec;
  return nullptr;
}

std::string Schema::hint(std::string_view key) const {
  std::string plain(key);
  std::ranges::replace(plain, '-', '_');
  if (find(plain))
    return fmt::format("it is called '{}' here", plain);
  for (const Alias &alias : aliases)
    if (plain == alias.theirs && find(alias.ours))
      return fmt::format("{} called '{}' here", alias.relation, alias.ours);
  std::vector<std::pair<int, std::string>> near;
  for (const KeySpec &spec : keys_) {
    std::string_view last = spec.key;
    last.remove_prefix(last.rfind('.') == last.npos ? 0 : last.rfind('.') + 1);
    int far = std::min(distance(key, spec.key), distance(key, last) + 1);
    near.emplace_back(far, spec.key);
  }
  std::sort(near.begin(), near.end());
  std::vector<std::string> names;
  for (const auto &[far, name] : near)
    if (names.size() < 3 && far <= std::max<int>(2, int(key.size()) / 2))
      names.push_back(fmt::format("'{}'", name));
  if (names.empty())
    return "phlox train ALGO --env ENV --explain lists the keys";
  return fmt::format("nearest: {}", fmt::join(names, ", "));
}

// JSON alone would write null for what is not finite
std::string shown(const json &value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>()))
    return fmt::format("{}", value.get<double>());
  if (value.is_array()) {
    std::vector<std::string> parts;
    for (const json &one : value)
      parts.push_back(shown(one));
    return fmt::format("[{}]", fmt::join(parts, ", "));
  }
  return value.is_null() ? "unset" : value.dump();
}

json typed(const KeySpec &spec, const json &value, std::string_view key) {
  json result = json::value_t::discarded;
  each_type(spec.type, [&](std::string_view type) {
    if (result.is_discarded())
      result = as(type, value);
  });
  if (result.is_discarded())
    throw UsageError(
        fmt::format("{} must be {}: got {}", key, spec.type, shown(value)));
  if (result.is_number()) {
    double number = result.get<double>();
    if (std::isnan(number) && std::isinf(spec.least) && std::isinf(spec.most))
      throw UsageError(fmt::format("{} must be a number: got nan", key));
    if (!(number >= spec.least && number <= spec.most))
      throw UsageError(fmt::format("{} must be from {} to {}: got {}", key,
                                   spec.least, spec.most, shown(value)));
  }
  return result;
}

} // namespace phlox::rl
