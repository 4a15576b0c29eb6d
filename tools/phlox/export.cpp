// phlox export: a trained policy as a folder that runs without Phlox's tools.
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/errors.h"
#include "runtime/dtype.h"
#include "runtime/file.h"
#include "tools/phlox/obs_layout.h"
#include "tools/phlox/policy_folder.h"
#include "tools/phlox/trained.h"
#include "tools/phlox/verbs.h"
#include <cmath>
#include <fmt/core.h>
#include <mujoco/mujoco.h>
#include <unistd.h>

namespace phlox::tools {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int card_schema = 1;
constexpr std::size_t test_rows = 8;
// of the self-test, as a share of half an action's range; code for another
// instruction set rounds otherwise
constexpr double tolerance_share = 1e-4;
// candidates whose ranking may tip over are left out: what compiled code and
// f64 agree on this closely, others will agree on too
constexpr double agreement_share = 0.1;

constexpr std::string_view example =
#include "tools/phlox/exported_main.inc"
    ;

struct Arguments {
  TrainedWords policy;
  std::string out, check, target = "x86-64-v3", licence = "unspecified";
  int episodes = 100;
};

// what act() does behind the policy: middle + reach * a
struct Range {
  std::vector<float> middle, reach;
};
Range range_of(const envs::Spec &spec) {
  Range range;
  for (std::size_t k = 0; k < spec.action_low.size(); k++) {
    const double low = spec.action_low[k], high = spec.action_high[k];
    range.middle.push_back(static_cast<float>((low + high) / 2));
    range.reach.push_back(static_cast<float>((high - low) / 2));
  }
  return range;
}

// a folder that appears under its name when all is in it
class NewFolder {
public:
  explicit NewFolder(const fs::path &wanted)
      : wanted_(wanted),
        path_(fmt::format("{}.{}", wanted.string(), getpid())) {
    std::error_code error;
    if (fs::exists(wanted, error) &&
        !(fs::is_directory(wanted, error) && fs::is_empty(wanted, error)))
      throw rl::UsageError(fmt::format(
          "-o must be a new or an empty folder: got '{}'", wanted.string()));
    fs::create_directories(path_, error);
    if (error)
      throw runtime::FileError(path_.string(), "create folder", error.value());
  }
  NewFolder(const NewFolder &) = delete;
  NewFolder &operator=(const NewFolder &) = delete;
  ~NewFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path &path() const { return path_; }
  void commit() { fs::rename(path_, wanted_); }

private:
  fs::path wanted_, path_;
};

// rows of an episode on which f32 and f64 agree
SelfTest make_test(Trained &trained, ExportedPolicy &policy,
                   const Range &range) {
  SelfTest test;
  for (const float reach : range.reach)
    test.tolerance.push_back(static_cast<float>(tolerance_share * reach));
  auto env = trained.environments(1, "selftest");
  rl::Actor actor = trained.actor(1);
  std::vector<float> action(policy.action_size()), mapped(action.size());
  env.reset();
  for (std::uint64_t step = 0;
       test.step.size() < test_rows && step < 4 * test_rows; step++) {
    policy.act(env.obs(), step, mapped);
    const auto exact = policy.interpret(env.obs(), step);
    bool agree = true;
    for (std::size_t i = 0; i < mapped.size(); i++)
      agree &= std::fabs(mapped[i] - exact[i]) <=
               agreement_share * test.tolerance[i];
    if (agree) {
      test.obs.insert(test.obs.end(), env.obs().begin(), env.obs().end());
      test.action.insert(test.action.end(), mapped.begin(), mapped.end());
      test.step.push_back(step);
    }
    actor.act(env.obs(), step, action);
    env.step(action);
  }
  if (test.step.empty())
    throw std::runtime_error(
        "self-test must have actions that f32 and f64 agree on: got none");
  return test;
}

Json rows_of(const phlox_tensor *tensors, std::uint32_t count) {
  Json rows = Json::array();
  for (std::uint32_t i = 0; i < count; i++)
    rows.push_back(
        {{"name", tensors[i].name},
         {"dtype",
          runtime::dtype_name(static_cast<phlox_dtype>(tensors[i].dtype))},
         {"shape", std::vector<std::int64_t>(
                       tensors[i].dims, tensors[i].dims + tensors[i].rank)}});
  return rows;
}

Json targets_of(const phlox_executable_table &table) {
  auto names = Json::array();
  for (std::uint32_t i = 0; i < table.variant_count; i++)
    names.push_back(table.variants[i].target);
  return names;
}

Json make_card(const Arguments &a, Trained &trained,
               const ExportedPolicy &policy, const SelfTest &test) {
  auto env = trained.environments(1, "selftest");
  const auto &spec = env.spec();
  const auto &table = policy.table();
  const auto &entry = table.entries[0];
  Json about = trained.describe();
  Json found = describe(trained.evaluate(a.episodes));
  for (const char *key : {"returns", "lengths", "steps_per_second"})
    found.erase(key);
  // of the program that trained, which made these returns; the policy is f32
  found["precision"] =
      options_of(trained.executable.get()).value("precision", "high");
  return {
      {"format", "phlox-policy"},
      {"schema", card_schema},
      {"task",
       {{"id", spec.id},
        {"kwargs", env_kwargs(trained.config)},
        {"simulator", spec.simulator},
        {"max_episode_steps", spec.max_episode_steps}}},
      {"algorithm", about["algorithm"]},
      {"seed", about["seed"]},
      {"env_step", about["env_step"]},
      {"update", about["update"]},
      {"policy",
       {{"averaged", about["averaged"]},
        {"particles", about["particles"]},
        {"nfe", about["nfe"]},
        {"exploration_noise", 0}}},
      {"observation",
       {{"size", spec.obs_size},
        {"dtype", "F32"},
        {"layout", obs_layout(env.environment(0))}}},
      {"action",
       {{"size", spec.action_size},
        {"dtype", "F32"},
        {"low", spec.action_low},
        {"high", spec.action_high},
        {"mapping", "the entry point clips to [-1, 1] and maps to [low, high]: "
                    "apply as it is"}}},
      {"entry",
       {{"name", entry.name},
        {"inputs", rows_of(entry.inputs, entry.input_count)},
        {"outputs", rows_of(entry.outputs, entry.output_count)},
        {"noise", "step counts calls: the same step, the same base noise"},
        {"flops", entry.flops}}},
      {"return", found},
      {"licence", a.licence},
      {"program", table.program},
      {"hash", table.hash},
      {"compiler", table.compiler},
      {"mujoco", mj_versionString()},
      {"targets", targets_of(table)},
      {"trained_artifact",
       phlox_executable_table_of(trained.executable.get())->hash},
      {"self_test",
       {{"file", "selftest.safetensors"},
        {"rows", test.step.size()},
        {"tolerance", test.tolerance}}}};
}

void write(const Arguments &a) {
  Trained trained(a.policy);
  auto env = trained.environments(1, "selftest");
  const Range range = range_of(env.spec());
  const auto &table = *phlox_executable_table_of(trained.executable.get());
  PolicyRequest request;
  request.entry = "evaluate_1";
  request.middle = range.middle;
  request.reach = range.reach;
  request.target = a.target;
  request.description = Json{
      {"algorithm", trained.settings.algorithm},
      {"env", trained.settings.env},
      {"trained_artifact", table.hash},
      {"env_step",
       trained.env_step}}.dump();
  NewFolder folder(fs::absolute(a.out).lexically_normal());
  const fs::path &into = folder.path();
  try {
    compiler_library().policy({table.ir, table.ir_bytes}, request,
                              (into / "policy").string());
  } catch (const std::invalid_argument &error) {
    throw rl::UsageError(error.what());
  }
  ExportedPolicy policy(into);
  policy.copy(trained.program.state());
  policy.save(into / "policy.safetensors");
  const SelfTest test = make_test(trained, policy, range);
  test.save(into / "selftest.safetensors");
  rl::write_text(into / "main.c", example);
  Json card = make_card(a, trained, policy, test);
  const std::vector<std::string> files = {
      "policy.so", "policy.o",           "policy.h",
      "main.c",    "policy.safetensors", "selftest.safetensors"};
  card["files"] = sums_of(into, files);
  const std::string text =
      card.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  rl::write_text(into / "card.json", text);
  rl::write_text(into / "policy_check.h",
                 check_header(Json::parse(text), text, test));
  check_policy_folder(into);
  folder.commit();
  fmt::print("{}: {} of {} at env step {}, return {:.4g} ({:.4g} to {:.4g}), "
             "{} episodes\n",
             a.out, trained.settings.algorithm, trained.settings.env,
             trained.env_step, card["return"]["mean"].get<double>(),
             card["return"]["interval"][0].get<double>(),
             card["return"]["interval"][1].get<double>(), a.episodes);
}

} // namespace

void add_export_verb(CLI::App &app) {
  CLI::App *verb = app.add_subcommand(
      "export", "Write a trained policy as a folder of its own: C header, "
                "object, parameters, card, example and self-test");
  auto a = std::make_shared<Arguments>();
  add_trained_options(*verb, a->policy);
  verb->get_option("RUN_DIR")->required(false);
  auto *out = verb->add_option("-o,--out", a->out, "The folder to make");
  verb->add_option("--check", a->check,
                   "Check an exported folder instead: sums, hashes, self-test")
      ->excludes(out)
      ->excludes(verb->get_option("RUN_DIR"));
  verb->add_option("--target", a->target,
                   "Instruction sets: native, x86-64-v3, x86-64-v4 or several "
                   "with commas; the best the processor has runs "
                   "[x86-64-v3]");
  verb->add_option("--licence", a->licence,
                   "Licence of the policy, for its card [unspecified]");
  verb->add_option("--episodes", a->episodes,
                   "Episodes behind the card's return [100]")
      ->check(CLI::Range(1, 1'000'000));
  verb->callback([a] {
    try {
      if (!a->check.empty())
        fmt::print("{}\n", check_policy_folder(a->check));
      else if (a->policy.run.empty() || a->out.empty())
        throw rl::UsageError("RUN_DIR and -o DIR are required, or --check DIR: "
                             "got neither");
      else
        write(*a);
    } catch (const rl::UsageError &error) {
      throw CLI::ValidationError(error.what());
    }
  });
}

} // namespace phlox::tools
