// State arenas: leaves by name, saved and loaded as safetensors.
#include "runtime/dtype.h"
#include "runtime/json_reader.h"
#include "runtime/objects.h"
#include "runtime/safetensors.h"
#include "runtime/status.h"
#include <cstring>
#include <string_view>

namespace phlox::runtime {
namespace {

std::span<const phlox_tensor> leaves_of(const phlox_state &state) {
  const phlox_executable_table &table = *state.executable->table;
  return {table.leaves, table.leaf_count};
}

std::span<const std::int64_t> shape_of(const phlox_tensor &tensor) {
  return {tensor.dims, tensor.rank};
}

void check_leaf(const phlox_tensor &leaf, const StoredTensor *stored,
                const std::string &where) {
  std::string what = where + ": leaf '" + leaf.name + "' must be " +
                     type_text(leaf.dtype, shape_of(leaf)) + ": got ";
  if (!stored)
    throw StatusError(PHLOX_INVALID_ARGUMENT, what + "no such tensor");
  bool same_shape = std::equal(stored->shape.begin(), stored->shape.end(),
                               leaf.dims, leaf.dims + leaf.rank);
  if (stored->dtype != leaf.dtype || !same_shape)
    throw StatusError(PHLOX_INVALID_ARGUMENT,
                      what + type_text(stored->dtype, stored->shape));
}

void save(const phlox_state &state, const char *path) {
  std::vector<TensorView> views;
  for (const phlox_tensor &leaf : leaves_of(state))
    views.push_back({leaf.name, static_cast<phlox_dtype>(leaf.dtype),
                     shape_of(leaf),
                     std::span(state.arena.get() + leaf.offset, leaf.bytes)});
  const phlox_executable_table &table = *state.executable->table;
  Metadata metadata = {{"program", table.program}, {"hash", table.hash}};
  write_safetensors(path, views, metadata);
}

void load(phlox_state &state, const char *path) {
  TensorFile file = read_safetensors(path);
  std::map<std::string_view, const StoredTensor *> by_name;
  for (const StoredTensor &tensor : file.tensors)
    by_name[tensor.name] = &tensor;
  std::vector<const StoredTensor *> found;
  for (const phlox_tensor &leaf : leaves_of(state)) {
    auto at = by_name.find(leaf.name);
    found.push_back(at == by_name.end() ? nullptr : at->second);
    check_leaf(leaf, found.back(), path);
    by_name.erase(at);
  }
  if (!by_name.empty())
    throw StatusError(PHLOX_INVALID_ARGUMENT,
                      std::string(path) + ": tensors must be leaves of '" +
                          state.executable->table->program + "': got " +
                          json_quoted(by_name.begin()->first));
  // all fit: only now the state changes
  std::size_t i = 0;
  for (const phlox_tensor &leaf : leaves_of(state)) {
    const StoredTensor &tensor = *found[i++];
    if (leaf.bytes != 0)
      std::memcpy(state.arena.get() + leaf.offset, tensor.data.data(),
                  leaf.bytes);
  }
}

} // namespace
} // namespace phlox::runtime

using namespace phlox::runtime;

phlox_status *phlox_state_create(const phlox_executable *executable,
                                 phlox_state **out) {
  return guarded([&] {
    require(out, "out");
    *out = nullptr;
    require(executable, "executable");
    *out = new phlox_state{executable,
                           allocate_zeroed(executable->table->arena_bytes)};
  });
}

void *phlox_state_arena(phlox_state *state) {
  return state ? state->arena.get() : nullptr;
}

phlox_status *phlox_state_leaf(phlox_state *state, const char *name,
                               const phlox_tensor **desc, void **address) {
  return guarded([&] {
    require(state, "state");
    require(name, "name");
    for (const phlox_tensor &leaf : leaves_of(*state)) {
      if (std::strcmp(leaf.name, name) != 0)
        continue;
      if (desc)
        *desc = &leaf;
      if (address)
        *address = state->arena.get() + leaf.offset;
      return;
    }
    throw StatusError(PHLOX_NOT_FOUND,
                      std::string("leaf must be in the state of '") +
                          state->executable->table->program + "': got '" +
                          name + "'");
  });
}

phlox_status *phlox_state_save(const phlox_state *state, const char *path) {
  return guarded([&] {
    require(state, "state");
    require(path, "path");
    save(*state, path);
  });
}

phlox_status *phlox_state_load(phlox_state *state, const char *path) {
  return guarded([&] {
    require(state, "state");
    require(path, "path");
    load(*state, path);
  });
}

void phlox_state_free(phlox_state *state) { delete state; }
