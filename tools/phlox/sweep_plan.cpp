#include "tools/phlox/sweep_plan.h"
#include "rl/toml.h"
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/errors.h"
#include <algorithm>
#include <cctype>
#include <cstring>
#include <fmt/format.h>
#include <set>
#include <sstream>

namespace phlox::tools {
namespace {

using Setting = std::pair<std::string, std::string>; // key, TOML value

constexpr std::int64_t most_runs = 100'000;

class File {
public:
  explicit File(std::filesystem::path path) : path_(std::move(path)) {
    try {
      table_ = rl::parse_toml(rl::read_text(path_));
    } catch (const toml::parse_error &error) {
      throw rl::UsageError(fmt::format(
          "{}:{}: must be TOML with each key once: got: {}", path_.string(),
          error.source().begin.line, error.description()));
    }
    const std::set<std::string_view> known = {
        "algorithms",   "envs",      "seeds", "out",  "plugins",
        "as_published", "precision", "set",   "grid", "for"};
    for (const auto &[key, node] : table_)
      if (!known.contains(key.str()))
        refuse(&node, fmt::format("key must be one of {}: got '{}'",
                                  fmt::join(known, ", "), key.str()));
  }

  [[noreturn]] void refuse(const toml::node *node,
                           const std::string &what) const {
    throw rl::UsageError(node ? fmt::format("{}:{}: {}", path_.string(),
                                            node->source().begin.line, what)
                              : fmt::format("{}: {}", path_.string(), what));
  }

  const toml::node *find(const char *key) const { return table_.get(key); }

  std::vector<std::string> names(const char *key) const {
    const toml::node *node = find(key);
    const toml::array *array = node ? node->as_array() : nullptr;
    std::vector<std::string> result;
    if (array)
      for (const toml::node &one : *array)
        if (const auto *text = one.as_string())
          result.push_back(text->get());
    if (!array || array->empty() || result.size() != array->size())
      refuse(node, fmt::format("{} must be a list of names: got {}", key,
                               node ? text_of(*node) : "none"));
    once(node, key, result);
    return result;
  }

  std::vector<std::string> seeds() const {
    const toml::node *node = find("seeds");
    std::vector<std::string> result;
    if (!node)
      return {"1"};
    if (const auto *count = node->as_integer()) {
      if (count->get() < 1 || count->get() > most_runs)
        refuse(node, fmt::format("seeds must be from 1 to {}, or a list: got "
                                 "{}",
                                 most_runs, count->get()));
      for (std::int64_t seed = 1; seed <= count->get(); seed++)
        result.push_back(std::to_string(seed));
      return result;
    }
    if (const auto *list = node->as_array())
      for (const toml::node &one : *list) {
        if (!one.as_integer() || one.as_integer()->get() < 0)
          refuse(&one, fmt::format("seeds must be whole numbers from 0: got {}",
                                   text_of(one)));
        result.push_back(std::to_string(one.as_integer()->get()));
      }
    if (result.empty())
      refuse(node,
             fmt::format("seeds must be how many or a list of them: got {}",
                         text_of(*node)));
    once(node, "seeds", result);
    return result;
  }

  std::vector<Setting> settings(const toml::node *node,
                                const std::string &what) const {
    std::vector<Setting> result;
    if (!node)
      return result;
    if (!node->is_table())
      refuse(node,
             fmt::format("{} must be a table: got {}", what, text_of(*node)));
    flatten(*node->as_table(), "",
            [&](const std::string &key, const toml::node &value) {
              result.emplace_back(key, text_of(value));
            });
    return result;
  }

  // key, and all its values
  std::vector<std::pair<std::string, std::vector<std::string>>> grid() const {
    std::vector<std::pair<std::string, std::vector<std::string>>> result;
    const toml::node *node = find("grid");
    if (!node)
      return result;
    if (!node->is_table())
      refuse(node,
             fmt::format("[grid] must be a table: got {}", text_of(*node)));
    flatten(*node->as_table(), "",
            [&](const std::string &key, const toml::node &value) {
              std::vector<std::string> values;
              if (const auto *list = value.as_array())
                for (const toml::node &one : *list)
                  values.push_back(text_of(one));
              if (values.empty())
                refuse(&value, fmt::format("{} must be a list of values: got "
                                           "{}",
                                           key, text_of(value)));
              once(&value, key, values);
              result.emplace_back(key, std::move(values));
            });
    return result;
  }

  const std::filesystem::path &path() const { return path_; }

  // numbers as short as they can be: they become names of folders
  static std::string text_of(const toml::node &node) {
    if (const auto *number = node.as_floating_point()) {
      const std::string text = fmt::format("{}", number->get());
      // a float stays a float
      return text.find_first_not_of("-0123456789") == text.npos ? text + ".0"
                                                                : text;
    }
    if (const auto *list = node.as_array()) {
      std::vector<std::string> parts;
      for (const toml::node &one : *list)
        parts.push_back(text_of(one));
      return fmt::format("[{}]", fmt::join(parts, ", "));
    }
    std::ostringstream text;
    node.visit([&](const auto &value) { text << value; });
    return text.str();
  }

private:
  void once(const toml::node *node, const std::string &what,
            std::vector<std::string> values) const {
    std::sort(values.begin(), values.end());
    const auto twice = std::adjacent_find(values.begin(), values.end());
    if (twice != values.end())
      refuse(node, fmt::format("{} must name each once: got '{}' twice", what,
                               *twice));
  }

  template <class Take>
  static void flatten(const toml::table &table, const std::string &above,
                      Take &&take) {
    for (const auto &[name, node] : table) {
      const std::string key = above + std::string(name.str());
      if (const toml::table *inner = node.as_table())
        flatten(*inner, key + ".", take);
      else
        take(key, node);
    }
  }

  std::filesystem::path path_;
  toml::table table_;
};

// what a folder's name may hold
std::string folder_text(std::string text) {
  std::erase(text, '"');
  std::erase(text, ' ');
  for (char &c : text)
    if (!std::isalnum(static_cast<unsigned char>(c)) &&
        !std::strchr(".,=+-_[]", c))
      c = '_';
  return text;
}

// every combination of the grid's values
std::vector<std::vector<Setting>> combinations(
    const std::vector<std::pair<std::string, std::vector<std::string>>> &grid) {
  std::vector<std::vector<Setting>> all = {{}};
  for (const auto &[key, values] : grid) {
    std::vector<std::vector<Setting>> next;
    if (all.size() * values.size() > most_runs)
      return {};
    for (const auto &before : all)
      for (const std::string &value : values) {
        next.push_back(before);
        next.back().emplace_back(key, value);
      }
    all = std::move(next);
  }
  return all;
}

} // namespace

rl::Config config_of(const SweepRun &run) {
  rl::Config config = resolve(run.words);
  config.flag("seed", run.seed, "seeds");
  return config;
}

namespace {

// settings of one combination, later ones win
void add_settings(const File &file, SweepRun &run,
                  const std::vector<Setting> &settings) {
  for (const auto &[key, value] : settings) {
    if (key == "seed" || key == "algorithm" || key == "env.id")
      file.refuse(nullptr, fmt::format("{} must be left to seeds, algorithms "
                                       "and envs: got it among the settings",
                                       key));
    run.own_threads |= key == "threads";
    run.words.settings.push_back(key + "=" + value);
  }
}

// [for.NAME]: settings of an algorithm or a task
std::map<std::string, std::vector<Setting>>
overrides_of(const File &file, const std::vector<std::string> &algorithms,
             const std::vector<std::string> &envs) {
  std::map<std::string, std::vector<Setting>> own;
  const toml::node *node = file.find("for");
  if (!node)
    return own;
  if (!node->is_table())
    file.refuse(node, "[for.NAME] must be tables: got a value");
  for (const auto &[name, table] : *node->as_table()) {
    const std::string text(name.str());
    if (std::find(algorithms.begin(), algorithms.end(), text) ==
            algorithms.end() &&
        std::find(envs.begin(), envs.end(), text) == envs.end())
      file.refuse(&table, fmt::format("[for.NAME] must name an algorithm or a "
                                      "task of the sweep: got '{}'",
                                      text));
    own[text] = file.settings(&table, fmt::format("[for.{}]", text));
  }
  return own;
}

// wrong settings end here, before anything is trained
void check_run(const File &file, SweepRun &run, const std::string &label) {
  try {
    const rl::Config config = config_of(run);
    run.total_timesteps = rl::trainer_config(config).total_timesteps;
    task_sizes(run.words, config);
  } catch (const std::exception &error) {
    file.refuse(nullptr, fmt::format("{} on {}{}{}: {}", run.words.algorithm,
                                     run.words.env, label.empty() ? "" : ", ",
                                     label.empty() ? "" : label.substr(2),
                                     error.what()));
  }
}

} // namespace

SweepPlan read_sweep(const std::filesystem::path &path) {
  const File file(path);
  SweepPlan plan;
  plan.out = "runs" / path.stem();
  if (const toml::node *out = file.find("out")) {
    if (!out->as_string() || out->as_string()->get().empty())
      file.refuse(out, fmt::format("out must name a folder: got {}",
                                   file.text_of(*out)));
    plan.out = out->as_string()->get();
  }
  bool as_published = false;
  if (const toml::node *node = file.find("as_published")) {
    if (!node->as_boolean())
      file.refuse(node,
                  fmt::format("as_published must be true or false: got {}",
                              file.text_of(*node)));
    as_published = node->as_boolean()->get();
  }
  std::string precision;
  if (const toml::node *node = file.find("precision")) {
    const std::set<std::string> known = {"f32", "high", "bf16"};
    if (node->as_string())
      precision = node->as_string()->get();
    if (!known.contains(precision))
      file.refuse(node, fmt::format("precision must be f32, high or bf16: got "
                                    "{}",
                                    file.text_of(*node)));
  }
  const auto algorithms = file.names("algorithms"), envs = file.names("envs");
  const auto seeds = file.seeds();
  const auto common = file.settings(file.find("set"), "[set]");
  auto own = overrides_of(file, algorithms, envs);
  const auto variants = combinations(file.grid());
  if (variants.empty() ||
      variants.size() * algorithms.size() * envs.size() * seeds.size() >
          most_runs)
    file.refuse(
        nullptr,
        fmt::format("a sweep must have at most {} runs: got more", most_runs));
  PluginWords plugins;
  if (file.find("plugins"))
    for (const auto &one : file.names("plugins"))
      plugins.paths.push_back(std::filesystem::absolute(one).string());
  std::set<std::string> taken;
  for (const auto &env : envs)
    for (const auto &algorithm : algorithms)
      for (const auto &variant : variants) {
        SweepRun run;
        run.words.algorithm = algorithm;
        run.words.env = env;
        run.words.as_published = as_published;
        run.words.precision = precision;
        run.words.plugins = plugins;
        run.seed = seeds.front();
        for (const auto &settings : {common, own[algorithm], own[env], variant})
          add_settings(file, run, settings);
        std::string label;
        for (const auto &[key, value] : variant)
          label +=
              fmt::format("{}{}={}", label.empty() ? "__" : ",", key, value);
        check_run(file, run, label);
        for (const auto &seed : seeds) {
          run.seed = seed;
          const std::string stem = folder_text(
              fmt::format("{}__{}{}__{}", env, algorithm, label, seed));
          run.name = stem;
          for (int i = 2; !taken.insert(run.name).second; i++)
            run.name = fmt::format("{}-{}", stem, i);
          plan.runs.push_back(run);
        }
      }
  return plan;
}

} // namespace phlox::tools
