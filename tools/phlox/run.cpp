// phlox run: one entry point of an artifact, compiled, eager or interpreted.
#include "rl/trainer/program.h"
#include "runtime/dtype.h"
#include "tools/phlox/eager.h"
#include "tools/phlox/verbs.h"
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace phlox::tools {
namespace {

namespace fs = std::filesystem;
using rl::check;

struct Arguments {
  std::string file, entry, state, in, out, state_out, mode = "compiled";
  std::optional<std::uint64_t> init;
  int threads = 0, bench = 0;
};

struct Buffers {
  std::vector<runtime::StoredTensor> tensors;
  std::vector<phlox_buffer> buffers;

  void bind() {
    for (auto &tensor : tensors)
      buffers.push_back({tensor.data.data(), tensor.data.size()});
  }
};

runtime::StoredTensor make(const phlox_tensor &row) {
  return {row.name,
          static_cast<phlox_dtype>(row.dtype),
          {row.dims, row.dims + row.rank},
          std::vector<std::byte>(row.bytes)};
}

Buffers read_inputs(const Arguments &arguments, const phlox_entry_desc &desc) {
  Buffers inputs;
  runtime::TensorFile file;
  if (!arguments.in.empty())
    file = runtime::read_safetensors(arguments.in);
  for (std::uint32_t i = 0; i < desc.input_count; i++) {
    auto tensor = make(desc.inputs[i]);
    const auto *given = file.find(tensor.name);
    // `run init --init SEED` says the seed already
    if (!given && arguments.init && std::string_view(desc.name) == "init" &&
        tensor.data.size() == sizeof *arguments.init) {
      std::memcpy(tensor.data.data(), &*arguments.init, sizeof *arguments.init);
      inputs.tensors.push_back(std::move(tensor));
      continue;
    }
    if (!given)
      throw std::runtime_error(fmt::format(
          "entry point '{}' needs the input '{}' {}: got none in {}", desc.name,
          tensor.name, runtime::type_text(tensor.dtype, tensor.shape),
          arguments.in.empty() ? "--in" : arguments.in));
    if (given->dtype != tensor.dtype || given->shape != tensor.shape)
      throw std::runtime_error(
          fmt::format("{}: '{}' must be {}: got {}", arguments.in, tensor.name,
                      runtime::type_text(tensor.dtype, tensor.shape),
                      runtime::type_text(given->dtype, given->shape)));
    tensor.data = given->data;
    inputs.tensors.push_back(std::move(tensor));
  }
  for (const auto &tensor : file.tensors) {
    const auto known = std::any_of(
        desc.inputs, desc.inputs + desc.input_count,
        [&](const phlox_tensor &row) { return tensor.name == row.name; });
    if (!known)
      throw std::runtime_error(
          fmt::format("{}: '{}' is not an input of entry point '{}'",
                      arguments.in, tensor.name, desc.name));
  }
  inputs.bind();
  return inputs;
}

class Runner {
public:
  explicit Runner(const Arguments &arguments)
      : arguments(arguments), executable(load_executable(arguments.file)),
        table(*phlox_executable_table_of(executable.get())) {
    phlox_pool *threads = nullptr;
    check(phlox_pool_create(arguments.threads, &threads));
    pool.reset(threads);
    phlox_state *made = nullptr;
    check(phlox_state_create(executable.get(), &made));
    state.reset(made);
  }

  void run() {
    if (!arguments.out.empty() &&
        real(arguments.out) == real(arguments.state_out))
      throw CLI::ValidationError(
          fmt::format("--out and --state-out must be two files: got '{}' twice",
                      arguments.out));
    const auto &desc = find(arguments.entry);
    fill_state();
    Buffers inputs = read_inputs(arguments, desc), outputs;
    for (std::uint32_t i = 0; i < desc.output_count; i++)
      outputs.tensors.push_back(make(desc.outputs[i]));
    outputs.bind();
    if (arguments.mode == "interpret")
      interpret(inputs, outputs);
    else if (arguments.mode == "eager")
      eager(inputs, outputs, desc);
    else
      compiled(inputs, outputs, desc);
    write(outputs.tensors);
  }

private:
  // Both files or neither: the state waits under a name of its own until the
  // outputs are written. A device or a pipe has no other name.
  void write(std::span<const runtime::StoredTensor> outputs) {
    const fs::path wanted = real(arguments.state_out);
    std::error_code ignored;
    const auto kind = fs::status(wanted, ignored).type();
    const bool renamed = !wanted.empty() && (kind == fs::file_type::regular ||
                                             kind == fs::file_type::not_found);
    fs::path waiting = wanted;
    for (int i = 0; renamed && (waiting == wanted || fs::exists(waiting)); i++)
      waiting =
          wanted.parent_path() /
          fmt::format(".{}.{}-{}", wanted.filename().string(), getpid(), i);
    if (!waiting.empty())
      check(phlox_state_save(state.get(), waiting.c_str()));
    try {
      if (!arguments.out.empty())
        runtime::write_safetensors(arguments.out, outputs);
      if (renamed)
        fs::rename(waiting, wanted);
    } catch (const std::exception &) {
      if (renamed)
        fs::remove(waiting, ignored);
      throw;
    }
  }

  // where a name leads, through links; the file need not exist
  static fs::path real(const std::string &name) {
    if (name.empty())
      return {};
    fs::path path = fs::absolute(name);
    std::error_code ignored;
    for (int i = 0; i < 40 && fs::is_symlink(path, ignored); i++)
      path = path.parent_path() / fs::read_symlink(path);
    return fs::weakly_canonical(path);
  }

  const phlox_entry_desc &find(const std::string &name) {
    std::string known;
    for (std::uint32_t i = 0; i < table.entry_count; i++) {
      if (table.entries[i].name == name)
        return table.entries[i];
      known += (i ? ", " : "") + std::string(table.entries[i].name);
    }
    throw CLI::ValidationError(
        fmt::format("entry point must be one of {}: got '{}'", known, name));
  }

  void fill_state() {
    if (arguments.init && !arguments.state.empty())
      throw CLI::ValidationError(
          "--init and --state exclude each other: got both");
    if (!arguments.state.empty())
      check(phlox_state_load(state.get(), arguments.state.c_str()));
    if (!arguments.init)
      return;
    const auto &init = find("init");
    std::uint64_t seed = *arguments.init;
    if (init.input_count != 1 || init.inputs[0].bytes != sizeof(seed))
      throw std::runtime_error("--init needs an entry point init(seed () U64)");
    phlox_entry *entry = nullptr;
    check(phlox_entry_create(executable.get(), "init", pool.get(), &entry));
    std::unique_ptr<phlox_entry, rl::RuntimeDelete> owner(entry);
    const phlox_buffer input{&seed, sizeof(seed)};
    check(phlox_entry_run(entry, state.get(), &input, 1, nullptr, 0));
  }

  void compiled(const Buffers &inputs, const Buffers &outputs,
                const phlox_entry_desc &desc) {
    phlox_entry *entry = nullptr;
    check(phlox_entry_create(executable.get(), desc.name, pool.get(), &entry));
    std::unique_ptr<phlox_entry, rl::RuntimeDelete> owner(entry);
    repeat(desc, [&] {
      check(phlox_entry_run(entry, state.get(), inputs.buffers.data(),
                            inputs.buffers.size(), outputs.buffers.data(),
                            outputs.buffers.size()));
    });
  }

  void eager(const Buffers &inputs, const Buffers &outputs,
             const phlox_entry_desc &desc) {
    EagerRunner runner(table, desc.name, pool.get());
    repeat(desc,
           [&] { runner.run(state.get(), inputs.buffers, outputs.buffers); });
  }

  void interpret(const Buffers &inputs, Buffers &outputs) {
    std::vector<runtime::StoredTensor> values = inputs.tensors;
    auto *arena = static_cast<std::byte *>(phlox_state_arena(state.get()));
    for (std::uint32_t i = 0; i < table.leaf_count; i++) {
      auto leaf = make(table.leaves[i]);
      std::memcpy(leaf.data.data(), arena + table.leaves[i].offset,
                  leaf.data.size());
      values.push_back(std::move(leaf));
    }
    auto results = compiler_library().interpret({table.ir, table.ir_bytes},
                                                arguments.entry, values);
    for (auto &result : results) {
      bool is_output = false;
      for (std::size_t i = 0; i < outputs.tensors.size(); i++)
        if (outputs.tensors[i].name == result.name) {
          outputs.tensors[i].data = result.data;
          is_output = true;
        }
      for (std::uint32_t i = 0; !is_output && i < table.leaf_count; i++)
        if (result.name == table.leaves[i].name)
          std::memcpy(arena + table.leaves[i].offset, result.data.data(),
                      result.data.size());
    }
  }

  // once, or --bench N times with the times in JSON
  template <class Call> void repeat(const phlox_entry_desc &desc, Call call) {
    call();
    if (!arguments.bench)
      return;
    std::vector<double> micros;
    for (int i = 0; i < arguments.bench; i++) {
      const auto start = std::chrono::steady_clock::now();
      call();
      const std::chrono::duration<double, std::micro> spent =
          std::chrono::steady_clock::now() - start;
      micros.push_back(spent.count());
    }
    std::sort(micros.begin(), micros.end());
    const double median = micros[micros.size() / 2];
    const nlohmann::ordered_json json = {
        {"entry", desc.name},
        {"mode", arguments.mode},
        {"threads", phlox_pool_threads(pool.get())},
        {"calls", arguments.bench},
        {"median_us", median},
        {"min_us", micros.front()},
        {"max_us", micros.back()},
        {"gflops", static_cast<double>(desc.flops) / median / 1e3}};
    fmt::print("{}\n", json.dump());
  }

  const Arguments &arguments;
  Executable executable;
  const phlox_executable_table &table;
  std::unique_ptr<phlox_pool, rl::RuntimeDelete> pool;
  std::unique_ptr<phlox_state, rl::RuntimeDelete> state;
};

// a conversion alone takes -1 for 2^64 - 1 and cuts what is larger
std::string refuse_seed(const std::string &text) {
  std::uint64_t seed = 0;
  const char *end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seed);
  if (error == std::errc() && rest == end)
    return "";
  return fmt::format("must be a whole number from 0 to 2^64 - 1: got '{}'",
                     text);
}

} // namespace

void add_run_verb(CLI::App &app) {
  CLI::App *verb =
      app.add_subcommand("run", "Run one entry point of an artifact");
  auto a = std::make_shared<Arguments>();
  verb->add_option("FILE", a->file, "An artifact")->required();
  verb->add_option("ENTRY", a->entry, "An entry point of it")->required();
  verb->add_option("--init", a->init, "Make the state by init(SEED) [zeros]")
      ->check(refuse_seed);
  verb->add_option("--state", a->state, "Read the state from safetensors");
  verb->add_option("--in", a->in, "Inputs, safetensors");
  verb->add_option("--out", a->out, "Write the outputs, safetensors");
  verb->add_option("--state-out", a->state_out,
                   "Write the state after the call, safetensors");
  verb->add_option(
          "--mode", a->mode,
          "compiled; eager: one op at a time; interpret: f64 reference")
      ->check(CLI::IsMember({"compiled", "eager", "interpret"}));
  verb->add_option("--threads", a->threads, "Threads; 0: all allowed")
      ->check(CLI::Range(0, 1024));
  verb->add_option("--bench", a->bench,
                   "Call N times more and print times as JSON")
      ->check(CLI::Range(1, 1000000));
  verb->callback([a] {
    if (a->bench && a->mode == "interpret")
      throw CLI::ValidationError(
          "--bench must go with --mode compiled or eager: got interpret");
    Runner(*a).run();
  });
}

} // namespace phlox::tools
