// Named tensors on disk, in the safetensors format.
#pragma once
#include "phlox/executable.h"
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace phlox::runtime {

using Metadata = std::map<std::string, std::string>;

/// One named tensor with its bytes, row-major and dense.
struct StoredTensor {
  std::string name;
  phlox_dtype dtype = PHLOX_F32; // or dtype_u8 of runtime/dtype.h
  std::vector<std::int64_t> shape;
  std::vector<std::byte> data;
};

/// The same without ownership, for writing straight from an arena.
struct TensorView {
  std::string_view name;
  phlox_dtype dtype = PHLOX_F32;
  std::span<const std::int64_t> shape;
  std::span<const std::byte> data;
};

/// All that one file holds; tensors in the order of their bytes.
struct TensorFile {
  std::vector<StoredTensor> tensors;
  Metadata metadata;

  /// Returns the tensor of that name, null if there is none.
  const StoredTensor *find(std::string_view name) const;
};

/// Reads a safetensors file as untrusted input.
///
/// Errors:  FileError; std::runtime_error with one line that begins with the
///          path: a header that is too long, not JSON or not of the format's
///          form, an unknown type, a repeated name, a size that does not fit
///          the shape, bytes that overlap, lie outside or belong to no tensor,
///          a BOOL other than 0 and 1.
/// Source:  the format description of huggingface/safetensors.
TensorFile read_safetensors(const std::string &path);

/// Writes a safetensors file in one step (AtomicFile), wider types first, then
/// by name, so that every tensor is aligned inside the file.
///
/// Errors:  FileError (the old file is intact); std::runtime_error for a
///          repeated or ill-formed name or a size that does not fit the shape.
void write_safetensors(const std::string &path,
                       std::span<const TensorView> tensors,
                       const Metadata &metadata = {});
void write_safetensors(const std::string &path,
                       std::span<const StoredTensor> tensors,
                       const Metadata &metadata = {});

} // namespace phlox::runtime
