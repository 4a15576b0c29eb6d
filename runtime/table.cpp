#include "runtime/table.h"
#include "runtime/dtype.h"
#include "runtime/isa.h"
#include "runtime/status.h"
#include <algorithm>
#include <cstring>
#include <set>
#include <span>
#include <string_view>
#include <vector>

namespace phlox::runtime {
namespace {

// beyond these a count is damage, not a program
constexpr std::uint32_t most_leaves = 1 << 20, most_entries = 1 << 16,
                        most_variants = 64, most_arguments = 1 << 16,
                        most_kernels = 1 << 24, most_ranks = 32;
constexpr std::uint64_t leaf_alignment = 64;

class TableCheck {
public:
  TableCheck(const phlox_executable_table &table, const std::string &where)
      : table_(table), where_(where) {}

  void run() {
    text(table_.program, "program");
    text(table_.options, "options");
    text(table_.compiler, "compiler");
    hash();
    count(table_.leaf_count, 0, most_leaves, table_.leaves, "leaf");
    count(table_.entry_count, 1, most_entries, table_.entries, "entry");
    count(table_.variant_count, 1, most_variants, table_.variants, "variant");
    if (table_.ir_bytes != 0 && !table_.ir)
      refuse("ir must not be null: got null with " +
             std::to_string(table_.ir_bytes) + " bytes");
    count(table_.kernel_count, 0, most_kernels, table_.kernels, "kernel");
    leaves();
    entries();
    kernels();
    for (std::uint32_t i = 0; i < table_.variant_count; ++i)
      variant(table_.variants[i], i);
  }

private:
  [[noreturn]] void refuse(const std::string &reason) const {
    throw StatusError(PHLOX_CORRUPT, where_ + " table: " + reason);
  }

  void text(const char *value, const std::string &field) const {
    if (!value)
      refuse(field + " must not be null: got null");
  }

  void name(const char *value, const std::string &field,
            std::set<std::string_view> &seen) const {
    text(value, field);
    if (!*value)
      refuse(field + " must not be empty: got none");
    if (!seen.insert(value).second)
      refuse(field + " must occur once: got '" + value + "' twice");
  }

  void hash() const {
    text(table_.hash, "hash");
    std::string_view hash(table_.hash);
    if (hash.size() != 64 ||
        hash.find_first_not_of("0123456789abcdef") != hash.npos)
      refuse("hash must be 64 hexadecimal digits: got '" + std::string(hash) +
             "'");
  }

  void count(std::uint32_t value, std::uint32_t least, std::uint32_t most,
             const void *rows, const std::string &what) const {
    if (value < least || value > most)
      refuse(what + " count must be in [" + std::to_string(least) + ", " +
             std::to_string(most) + "]: got " + std::to_string(value));
    if (value != 0 && !rows)
      refuse(what + " rows must not be null: got null");
  }

  // `what` reads "leaf 'critic/0/weight'"
  void tensor(const phlox_tensor &tensor, const std::string &what) const {
    if (tensor.rank > most_ranks)
      refuse(what + ": rank must be at most " + std::to_string(most_ranks) +
             ": got " + std::to_string(tensor.rank));
    if (tensor.rank != 0 && !tensor.dims)
      refuse(what + ": dims must not be null: got null");
    if (tensor.dtype < PHLOX_F32 || tensor.dtype > PHLOX_BOOL)
      refuse(what + ": dtype must be in [1, 8]: got " +
             std::to_string(tensor.dtype));
    std::uint64_t bytes = 0;
    std::span<const std::int64_t> shape(tensor.dims, tensor.rank);
    if (!dense_bytes(tensor.dtype, shape, bytes))
      refuse(what + ": extents must be from 0 on and fit 2^63 bytes: got " +
             type_text(tensor.dtype, shape));
    if (bytes != tensor.bytes)
      refuse(what + ": bytes must be " + std::to_string(bytes) + " for " +
             type_text(tensor.dtype, shape) + ": got " +
             std::to_string(tensor.bytes));
  }

  void leaves() const {
    std::set<std::string_view> names;
    std::vector<const phlox_tensor *> order;
    for (std::uint32_t i = 0; i < table_.leaf_count; ++i) {
      const phlox_tensor &leaf = table_.leaves[i];
      name(leaf.name, "leaf " + std::to_string(i) + " name", names);
      std::string what = "leaf '" + std::string(leaf.name) + "'";
      tensor(leaf, what);
      if (leaf.offset % leaf_alignment != 0)
        refuse(what + ": offset must be a multiple of 64: got " +
               std::to_string(leaf.offset));
      if (leaf.offset > table_.arena_bytes ||
          leaf.bytes > table_.arena_bytes - leaf.offset)
        refuse(what + ": must end within the arena's " +
               std::to_string(table_.arena_bytes) + " bytes: got offset " +
               std::to_string(leaf.offset) + " and " +
               std::to_string(leaf.bytes) + " bytes");
      if (leaf.bytes != 0)
        order.push_back(&leaf);
    }
    std::sort(order.begin(), order.end(),
              [](const phlox_tensor *a, const phlox_tensor *b) {
                return a->offset < b->offset;
              });
    for (std::size_t i = 1; i < order.size(); ++i) {
      std::uint64_t end = order[i - 1]->offset + order[i - 1]->bytes;
      if (order[i]->offset < end)
        refuse("leaf '" + std::string(order[i]->name) +
               "': must begin after leaf '" + order[i - 1]->name +
               "' ends at " + std::to_string(end) + ": got offset " +
               std::to_string(order[i]->offset));
    }
  }

  void arguments(const phlox_tensor *rows, std::uint32_t size,
                 const std::string &entry, const std::string &kind) const {
    count(size, 0, most_arguments, rows, entry + ": " + kind);
    std::set<std::string_view> names;
    for (std::uint32_t i = 0; i < size; ++i) {
      name(rows[i].name,
           entry + ": " + kind + " " + std::to_string(i) + " name", names);
      tensor(rows[i], entry + ": " + kind + " '" + rows[i].name + "'");
    }
  }

  void entries() const {
    std::set<std::string_view> names;
    for (std::uint32_t i = 0; i < table_.entry_count; ++i) {
      const phlox_entry_desc &entry = table_.entries[i];
      name(entry.name, "entry " + std::to_string(i) + " name", names);
      std::string what = "entry point '" + std::string(entry.name) + "'";
      arguments(entry.inputs, entry.input_count, what, "input");
      arguments(entry.outputs, entry.output_count, what, "output");
    }
  }

  void kernels() const {
    for (std::uint32_t i = 0; i < table_.kernel_count; ++i) {
      std::string what = "kernel " + std::to_string(i);
      text(table_.kernels[i].name, what + " name");
      if (table_.kernels[i].entry >= table_.entry_count)
        refuse(what + " entry must be below " +
               std::to_string(table_.entry_count) + ": got " +
               std::to_string(table_.kernels[i].entry));
    }
  }

  void variant(const phlox_variant &variant, std::uint32_t index) const {
    std::string what = "variant " + std::to_string(index);
    text(variant.target, what + " target");
    if (!variant.entries || !variant.scratch_bytes)
      refuse(what + ": functions and scratch sizes must not be null: got null");
    for (std::uint32_t i = 0; i < table_.entry_count; ++i)
      if (!variant.entries[i])
        refuse(what + ": function of entry point '" +
               std::string(table_.entries[i].name) +
               "' must not be null: got null");
  }

  const phlox_executable_table &table_;
  const std::string &where_;
};

} // namespace

void check_table(const phlox_executable_table *table,
                 const std::string &where) {
  auto refuse = [&](const std::string &reason) {
    throw StatusError(PHLOX_CORRUPT, where + " table: " + reason);
  };
  std::string version = std::to_string(PHLOX_EXECUTABLE_VERSION);
  if (!table)
    refuse("version " + version + " must be served: got none");
  // nothing behind these three is read before they fit
  if (table->magic != PHLOX_EXECUTABLE_MAGIC)
    refuse("magic must be " + std::to_string(PHLOX_EXECUTABLE_MAGIC) +
           ": got " + std::to_string(table->magic));
  if (table->version != PHLOX_EXECUTABLE_VERSION)
    refuse("version must be " + version + ": got " +
           std::to_string(table->version));
  if (table->table_bytes != sizeof(phlox_executable_table))
    refuse("size must be " + std::to_string(sizeof(phlox_executable_table)) +
           " bytes: got " + std::to_string(table->table_bytes));
  TableCheck(*table, where).run();
}

std::uint64_t permitted_isa(const phlox_executable_table &table,
                            std::uint64_t available, bool (*ask)()) {
  constexpr std::uint64_t amx = PHLOX_ISA_AMX_TILE | PHLOX_ISA_AMX_BF16;
  std::span<const phlox_variant> variants(table.variants, table.variant_count);
  bool wanted =
      std::ranges::any_of(variants, [&](const phlox_variant &variant) {
        return variant.isa & amx && !(variant.isa & ~available);
      });
  return wanted && !ask() ? available & ~amx : available;
}

const phlox_variant *choose_variant(const phlox_executable_table &table,
                                    std::uint64_t available,
                                    const std::string &where) {
  std::string lacking;
  for (std::uint32_t i = 0; i < table.variant_count; ++i) {
    const phlox_variant &variant = table.variants[i];
    std::uint64_t missing = variant.isa & ~available;
    if (missing == 0)
      return &variant;
    lacking += (i == 0 ? "" : "; ") + std::string(variant.target) + " lacks " +
               isa_text(missing);
  }
  throw StatusError(PHLOX_UNSUPPORTED,
                    where +
                        ": this machine must have the instruction sets of "
                        "one target: got none: " +
                        lacking);
}

} // namespace phlox::runtime
