// Entry points: arguments checked against the table, then one call.
#include "runtime/dtype.h"
#include "runtime/objects.h"
#include "runtime/pool.h"
#include "runtime/status.h"
#include <cstring>

namespace phlox::runtime {
namespace {

std::string type_of(const phlox_tensor &tensor) {
  return type_text(tensor.dtype, {tensor.dims, tensor.rank});
}

[[noreturn]] void refuse(const phlox_entry &entry, const std::string &reason) {
  throw StatusError(PHLOX_INVALID_ARGUMENT, "entry point '" +
                                                std::string(entry.desc->name) +
                                                "': " + reason);
}

void check_count(const phlox_entry &entry, std::size_t got,
                 std::uint32_t wanted, const void *rows, const char *kind) {
  if (got != wanted)
    refuse(entry, std::string(kind) + " count must be " +
                      std::to_string(wanted) + ": got " + std::to_string(got));
  if (got != 0 && !rows)
    refuse(entry, std::string(kind) + " buffers must not be null: got null");
}

void check_buffer(const phlox_entry &entry, const phlox_tensor &tensor,
                  const phlox_buffer &buffer, std::size_t index,
                  const char *kind) {
  auto mismatch = [&](const std::string &reason) {
    refuse(entry, std::string(kind) + " " + std::to_string(index) + " '" +
                      tensor.name + "' " + reason);
  };
  if (buffer.bytes != tensor.bytes)
    mismatch("must be " + type_of(tensor) + ", " +
             std::to_string(tensor.bytes) + " bytes: got " +
             std::to_string(buffer.bytes) + " bytes");
  if (tensor.bytes == 0)
    return;
  if (!buffer.data)
    mismatch("must be " + type_of(tensor) + ": got a null address");
  auto address = reinterpret_cast<std::uintptr_t>(buffer.data);
  std::size_t element = dtype_size(tensor.dtype);
  if (address % element != 0)
    mismatch("must be " + type_of(tensor) + " at a multiple of " +
             std::to_string(element) + " bytes: got an address " +
             std::to_string(address % element) + " beyond one");
}

// holds an entry and its pool for the time of one run
class Claim {
public:
  explicit Claim(phlox_entry &entry) : entry_(entry) {
    if (entry.busy.exchange(true, std::memory_order_acquire))
      refuse(entry, "must run once at a time: got a second run");
    if (entry.pool && !entry.pool->claim()) {
      entry.busy.store(false, std::memory_order_release);
      refuse(entry, "pool must run one entry point at a time: got a second");
    }
  }
  Claim(const Claim &) = delete;
  Claim &operator=(const Claim &) = delete;
  ~Claim() {
    if (entry_.pool)
      entry_.pool->release();
    entry_.busy.store(false, std::memory_order_release);
  }

private:
  phlox_entry &entry_;
};

void run(phlox_entry &entry, phlox_state &state, const phlox_buffer *inputs,
         std::size_t input_count, const phlox_buffer *outputs,
         std::size_t output_count) {
  if (state.executable != entry.executable)
    refuse(entry, std::string("state must be made from the same executable: "
                              "got one of '") +
                      state.executable->table->program + "'");
  const phlox_entry_desc &desc = *entry.desc;
  check_count(entry, input_count, desc.input_count, inputs, "input");
  check_count(entry, output_count, desc.output_count, outputs, "output");
  for (std::size_t i = 0; i < input_count; ++i)
    check_buffer(entry, desc.inputs[i], inputs[i], i, "input");
  for (std::size_t i = 0; i < output_count; ++i)
    check_buffer(entry, desc.outputs[i], outputs[i], i, "output");
  Claim claim(entry);
  for (std::size_t i = 0; i < input_count; ++i)
    entry.inputs[i] = inputs[i].data;
  for (std::size_t i = 0; i < output_count; ++i)
    entry.outputs[i] = outputs[i].data;
  bool alone = !entry.pool || entry.pool->threads() == 1;
  phlox_call call = {state.arena.get(),
                     entry.scratch.get(),
                     entry.inputs.data(),
                     entry.outputs.data(),
                     alone ? parallel_for_in_order : parallel_for_on_pool,
                     entry.pool,
                     entry.record,
                     entry.recorder};
  FloatMode mode;
  entry.function(&call);
}

} // namespace
} // namespace phlox::runtime

using namespace phlox::runtime;

phlox_status *phlox_entry_create(const phlox_executable *executable,
                                 const char *name, phlox_pool *pool,
                                 phlox_entry **out) {
  return guarded([&] {
    require(out, "out");
    *out = nullptr;
    require(executable, "executable");
    require(name, "name");
    const phlox_executable_table &table = *executable->table;
    std::string known;
    for (std::uint32_t i = 0; i < table.entry_count; ++i) {
      const phlox_entry_desc &desc = table.entries[i];
      if (std::strcmp(desc.name, name) == 0) {
        auto entry = std::make_unique<phlox_entry>();
        entry->executable = executable;
        entry->desc = &desc;
        entry->function = executable->variant->entries[i];
        entry->pool = pool;
        entry->scratch = allocate_zeroed(executable->variant->scratch_bytes[i]);
        entry->inputs.resize(desc.input_count);
        entry->outputs.resize(desc.output_count);
        *out = entry.release();
        return;
      }
      known += (i == 0 ? "" : ", ") + std::string(desc.name);
    }
    throw StatusError(PHLOX_NOT_FOUND,
                      "entry point of '" + std::string(table.program) +
                          "' must be one of " + known + ": got '" + name + "'");
  });
}

const phlox_entry_desc *phlox_entry_table(const phlox_entry *entry) {
  return entry ? entry->desc : nullptr;
}

phlox_status *phlox_entry_run(phlox_entry *entry, phlox_state *state,
                              const phlox_buffer *inputs, size_t input_count,
                              const phlox_buffer *outputs,
                              size_t output_count) {
  return guarded([&] {
    require(entry, "entry");
    require(state, "state");
    run(*entry, *state, inputs, input_count, outputs, output_count);
  });
}

phlox_status *phlox_entry_record(phlox_entry *entry, phlox_record *record,
                                 void *recorder) {
  return guarded([&] {
    require(entry, "entry");
    if (record && entry->executable->table->kernel_count == 0)
      throw StatusError(PHLOX_UNSUPPORTED,
                        "entry point '" + std::string(entry->desc->name) +
                            "': artifact must be compiled with records: got "
                            "one without");
    entry->record = record;
    entry->recorder = recorder;
  });
}

void phlox_entry_free(phlox_entry *entry) { delete entry; }
