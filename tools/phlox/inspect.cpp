// phlox inspect: the table of an artifact.
#include "phlox/runtime.h"
#include "runtime/dtype.h"
#include "tools/phlox/output.h"
#include "tools/phlox/setup.h"
#include "tools/phlox/verbs.h"
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace phlox::tools {
namespace {

using Json = nlohmann::ordered_json;

Json row(const phlox_tensor &tensor, bool with_offset) {
  Json json = {
      {"name", tensor.name},
      {"dtype", runtime::dtype_name(static_cast<phlox_dtype>(tensor.dtype))},
      {"shape",
       std::vector<std::int64_t>(tensor.dims, tensor.dims + tensor.rank)}};
  if (with_offset)
    json["offset"] = tensor.offset;
  return json;
}

Json rows(const phlox_tensor *tensors, std::uint32_t count, bool with_offset) {
  auto list = Json::array();
  for (std::uint32_t i = 0; i < count; i++)
    list.push_back(row(tensors[i], with_offset));
  return list;
}

Json describe(const phlox_executable_table &table) {
  auto targets = Json::array(), entries = Json::array();
  for (std::uint32_t i = 0; i < table.variant_count; i++)
    targets.push_back(table.variants[i].target);
  for (std::uint32_t i = 0; i < table.entry_count; i++) {
    const auto &entry = table.entries[i];
    entries.push_back(
        {{"name", entry.name},
         {"inputs", rows(entry.inputs, entry.input_count, false)},
         {"outputs", rows(entry.outputs, entry.output_count, false)},
         {"flops", entry.flops},
         {"bytes", entry.bytes},
         {"scratch_bytes", table.variants[0].scratch_bytes[i]}});
  }
  return {{"program", table.program},
          {"hash", table.hash},
          {"compiler", table.compiler},
          {"targets", targets},
          {"arena_bytes", table.arena_bytes},
          {"options", Json::parse(table.options, nullptr, false)},
          {"state", rows(table.leaves, table.leaf_count, true)},
          {"entries", entries}};
}

std::string signature(const Json &list) {
  std::vector<std::string> parts;
  for (const auto &tensor : list)
    parts.push_back(fmt::format(
        "{} {} ({})", tensor["name"].get<std::string>(),
        tensor["dtype"].get<std::string>(),
        fmt::join(tensor["shape"].get<std::vector<std::int64_t>>(), ", ")));
  return fmt::format("{}", fmt::join(parts, ", "));
}

void print(const Json &table) {
  fmt::print("program  {}\nhash     {}\ncompiler {}\ntargets  {}\nstate    {} "
             "leaves, {} bytes\n",
             table["program"].get<std::string>(),
             table["hash"].get<std::string>(),
             table["compiler"].get<std::string>(),
             fmt::join(table["targets"].get<std::vector<std::string>>(), ", "),
             table["state"].size(), table["arena_bytes"].get<std::uint64_t>());
  for (const auto &leaf : table["state"])
    fmt::print("  {}\n", signature(Json::array({leaf})));
  for (const auto &entry : table["entries"])
    fmt::print("{}: {:.3f} MFLOP, {:.3f} MB\n  in  {}\n  out {}\n",
               entry["name"].get<std::string>(),
               entry["flops"].get<double>() / 1e6,
               entry["bytes"].get<double>() / 1e6, signature(entry["inputs"]),
               signature(entry["outputs"]));
}

} // namespace

void add_inspect_verb(CLI::App &app) {
  CLI::App *verb = app.add_subcommand(
      "inspect", "Show an artifact's state, entry points and targets");
  auto file = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  verb->add_option("FILE", *file, "An artifact")->required();
  verb->add_flag("--json", *json, "As JSON");
  verb->callback([file, json] {
    const auto executable = load_executable(*file);
    const auto table = describe(*phlox_executable_table_of(executable.get()));
    if (*json)
      show(table.dump(2) + "\n");
    else
      print(table);
  });
}

} // namespace phlox::tools
