#include "tools/phlox/policy_folder.h"
#include "rl/trainer/checkpoint.h"
#include "runtime/safetensors.h"
#include "runtime/sha256.h"
#include <array>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace phlox::tools {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Shape = std::vector<std::int64_t>;

template <class T>
runtime::StoredTensor stored(const char *name, phlox_dtype dtype,
                             const Shape &shape, const std::vector<T> &values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {name, dtype, shape, {bytes.begin(), bytes.end()}};
}

template <class T>
std::vector<T> values_of(const runtime::TensorFile &file,
                         const std::string &path, const char *name,
                         phlox_dtype dtype) {
  const auto *tensor = file.find(name);
  if (!tensor || tensor->dtype != dtype)
    throw std::runtime_error(fmt::format(
        "{}: must hold '{}' of the right type: got none", path, name));
  std::vector<T> values(tensor->data.size() / sizeof(T));
  std::memcpy(values.data(), tensor->data.data(), tensor->data.size());
  return values;
}

int extent(const phlox_entry_desc &entry, const phlox_tensor *rows,
           std::uint32_t count, std::string_view name) {
  for (std::uint32_t i = 0; i < count; i++)
    if (rows[i].name == name && rows[i].rank == 1 && rows[i].dtype == PHLOX_F32)
      return static_cast<int>(rows[i].dims[0]);
  throw std::runtime_error(fmt::format(
      "entry point '{}' must have a vector '{}': got none", entry.name, name));
}

// of a C array, without its type
std::string initializer(std::span<const float> values, std::size_t row) {
  std::string text;
  for (std::size_t i = 0; i < values.size(); i += row)
    text += fmt::format("    {{{:.9e}f}},\n",
                        fmt::join(values.subspan(i, row), "f, "));
  return text;
}

} // namespace

ExportedPolicy::ExportedPolicy(const fs::path &folder)
    : executable_(load_executable((folder / "policy.so").string())) {
  phlox_state *state = nullptr;
  rl::check(phlox_state_create(executable_.get(), &state));
  state_.reset(state);
  phlox_entry *entry = nullptr;
  rl::check(phlox_entry_create(executable_.get(), "act", nullptr, &entry));
  act_.reset(entry);
  const auto &desc = *phlox_entry_table(entry);
  if (desc.input_count != 2 || desc.output_count != 1 ||
      std::string_view(desc.inputs[1].name) != "step")
    throw std::runtime_error(
        "entry point 'act' must take obs and step and give action: got other "
        "arguments");
  obs_size_ = extent(desc, desc.inputs, 1, "obs");
  action_size_ = extent(desc, desc.outputs, 1, "action");
}

void ExportedPolicy::copy(phlox_state *from) {
  for (std::uint32_t i = 0; i < table().leaf_count; i++) {
    const auto &leaf = table().leaves[i];
    const phlox_tensor *desc = nullptr;
    void *source = nullptr, *target = nullptr;
    rl::check(phlox_state_leaf(from, leaf.name, &desc, &source));
    rl::check(phlox_state_leaf(state_.get(), leaf.name, nullptr, &target));
    if (desc->bytes != leaf.bytes)
      throw std::runtime_error(fmt::format("leaf '{}' must have {} bytes: got "
                                           "{}",
                                           leaf.name, leaf.bytes, desc->bytes));
    std::memcpy(target, source, leaf.bytes);
  }
}

void ExportedPolicy::save(const fs::path &file) const {
  rl::check(phlox_state_save(state_.get(), file.c_str()));
}

void ExportedPolicy::load(const fs::path &file) {
  rl::check(phlox_state_load(state_.get(), file.c_str()));
}

void ExportedPolicy::act(std::span<const float> obs, std::uint64_t step,
                         std::span<float> action) {
  const phlox_buffer inputs[2] = {
      {const_cast<float *>(obs.data()), obs.size_bytes()},
      {&step, sizeof step}};
  const phlox_buffer output = {action.data(), action.size_bytes()};
  rl::check(phlox_entry_run(act_.get(), state_.get(), inputs, 2, &output, 1));
}

std::vector<float> ExportedPolicy::interpret(std::span<const float> obs,
                                             std::uint64_t step) {
  std::vector<runtime::StoredTensor> values = {
      stored("obs", PHLOX_F32, {obs_size_},
             std::vector<float>(obs.begin(), obs.end())),
      stored("step", PHLOX_U64, {}, std::vector<std::uint64_t>{step})};
  const auto *arena =
      static_cast<const std::byte *>(phlox_state_arena(state_.get()));
  for (std::uint32_t i = 0; i < table().leaf_count; i++) {
    const auto &leaf = table().leaves[i];
    values.push_back({leaf.name,
                      static_cast<phlox_dtype>(leaf.dtype),
                      {leaf.dims, leaf.dims + leaf.rank},
                      {arena + leaf.offset, arena + leaf.offset + leaf.bytes}});
  }
  const auto results = compiler_library().interpret(
      {table().ir, table().ir_bytes}, "act", values);
  std::vector<float> action(action_size_);
  std::memcpy(action.data(), results.at(0).data.data(),
              action.size() * sizeof(float));
  return action;
}

void SelfTest::save(const fs::path &file) const {
  const auto rows = static_cast<std::int64_t>(step.size());
  const auto A = static_cast<std::int64_t>(tolerance.size());
  const auto O = static_cast<std::int64_t>(obs.size()) / rows;
  const std::array<runtime::StoredTensor, 4> tensors = {
      stored("obs", PHLOX_F32, {rows, O}, obs),
      stored("step", PHLOX_U64, {rows}, step),
      stored("action", PHLOX_F32, {rows, A}, action),
      stored("tolerance", PHLOX_F32, {A}, tolerance)};
  runtime::write_safetensors(file.string(), tensors);
}

SelfTest SelfTest::load(const fs::path &file) {
  const std::string path = file.string();
  const auto tensors = runtime::read_safetensors(path);
  SelfTest test;
  test.obs = values_of<float>(tensors, path, "obs", PHLOX_F32);
  test.action = values_of<float>(tensors, path, "action", PHLOX_F32);
  test.tolerance = values_of<float>(tensors, path, "tolerance", PHLOX_F32);
  test.step = values_of<std::uint64_t>(tensors, path, "step", PHLOX_U64);
  return test;
}

double SelfTest::run(ExportedPolicy &policy) const {
  const auto O = static_cast<std::size_t>(policy.obs_size()),
             A = static_cast<std::size_t>(policy.action_size());
  if (step.empty() || obs.size() != step.size() * O ||
      action.size() != step.size() * A || tolerance.size() != A)
    throw std::runtime_error("self-test must have rows of the policy's sizes: "
                             "got others");
  std::vector<float> got(A);
  double worst = 0;
  for (std::size_t t = 0; t < step.size(); t++) {
    policy.act(std::span(obs).subspan(t * O, O), step[t], got);
    for (std::size_t i = 0; i < A; i++) {
      const double off =
          std::fabs(double(got[i]) - action[t * A + i]) / tolerance[i];
      if (!(off <= 1))
        throw std::runtime_error(
            fmt::format("self-test {}: action {} must be {} within {}: got {}",
                        t, i, action[t * A + i], tolerance[i], got[i]));
      worst = std::max(worst, off);
    }
  }
  return worst;
}

Json sums_of(const fs::path &folder, std::span<const std::string> names) {
  Json sums = Json::object();
  for (const std::string &name : names) {
    const std::string text = rl::read_text(folder / name);
    sums[name] = {{"bytes", text.size()},
                  {"sha256", runtime::to_hex(runtime::sha256(
                                 std::as_bytes(std::span(text))))}};
  }
  return sums;
}

std::string check_header(const Json &card, const std::string &card_text,
                         const SelfTest &test) {
  const std::size_t rows = test.step.size(), A = test.tolerance.size(),
                    O = test.obs.size() / rows;
  std::string text = fmt::format(
      "/* Sums of the files that belong to policy.o, and its self-test. */\n"
      "#ifndef POLICY_CHECK_H\n#define POLICY_CHECK_H\n#include <stdint.h>\n\n"
      "#define POLICY_HASH \"{}\"\n#define POLICY_OBS {}\n"
      "#define POLICY_ACTION {}\n#define POLICY_TESTS {}\n\n"
      "static const struct {{\n  const char *name, *sha256;\n}} "
      "policy_files[] = {{\n",
      card.at("hash").get<std::string>(), O, A, rows);
  auto add = [&](const std::string &name, const std::string &sum) {
    text += fmt::format("    {{\"{}\",\n     \"{}\"}},\n", name, sum);
  };
  add("card.json",
      runtime::to_hex(runtime::sha256(std::as_bytes(std::span(card_text)))));
  for (const char *name : {"policy.safetensors", "selftest.safetensors"})
    add(name, card.at("files").at(name).at("sha256").get<std::string>());
  text += fmt::format(
      "}};\n\nstatic const float policy_test_obs[POLICY_TESTS][POLICY_OBS] = "
      "{{\n{}}};\nstatic const uint64_t policy_test_step[POLICY_TESTS] = "
      "{{\n    {}u}};\n"
      "static const float policy_test_action[POLICY_TESTS][POLICY_ACTION] = "
      "{{\n{}}};\nstatic const double policy_test_tolerance[POLICY_ACTION] = "
      "{{\n    {:.9e}}};\n#endif\n",
      initializer(test.obs, O), fmt::join(test.step, "u, "),
      initializer(test.action, A), fmt::join(test.tolerance, ", "));
  return text;
}

std::string check_policy_folder(const fs::path &folder) {
  const fs::path card_file = folder / "card.json";
  const std::string text = rl::read_text(card_file);
  const auto card = Json::parse(text, nullptr, false);
  auto refuse = [&](const std::string &what) {
    throw std::runtime_error(fmt::format("{}: {}", card_file.string(), what));
  };
  if (!card.is_object() || card.value("format", "") != "phlox-policy" ||
      !card.contains("files") || !card["files"].is_object() ||
      !card.contains("hash") || !card["hash"].is_string())
    refuse("must be the card of a policy: got another file");
  bool any = false;
  for (const auto &[name, about] : card["files"].items()) {
    if (name != fs::path(name).filename() || !about.is_object() ||
        !about.contains("sha256") || !about["sha256"].is_string())
      refuse("must list files with their sums: got another row");
    rl::check(phlox_file_verify((folder / name).c_str(),
                                about["sha256"].get<std::string>().c_str()));
    any |= name == "policy.safetensors";
  }
  if (!any)
    refuse("must list policy.safetensors: got none");
  ExportedPolicy policy(folder);
  if (policy.table().hash != card["hash"].get<std::string>())
    throw std::runtime_error(fmt::format(
        "{}: must have the hash {}: got {}", (folder / "policy.so").string(),
        card["hash"].get<std::string>(), policy.table().hash));
  policy.load(folder / "policy.safetensors");
  const SelfTest test = SelfTest::load(folder / "selftest.safetensors");
  const double worst = test.run(policy);
  if (rl::read_text(folder / "policy_check.h") !=
      check_header(card, text, test))
    throw std::runtime_error(
        fmt::format("{}: must hold the sums of this folder: got others",
                    (folder / "policy_check.h").string()));
  return fmt::format("{}: {} files as the card says; self-test passed: {} "
                     "actions, at most {:.2g} of the tolerance",
                     folder.string(), card["files"].size(), test.step.size(),
                     worst);
}

} // namespace phlox::tools
