// Element types: sizes, names in files, and text for messages.
#pragma once
#include "phlox/executable.h"
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace phlox::runtime {

/// Bytes in files (safetensors' U8); never the type of a leaf or an argument.
inline constexpr phlox_dtype dtype_u8 = static_cast<phlox_dtype>(9);

/// Returns the bytes of one element, 0 for an unknown type.
std::size_t dtype_size(std::uint32_t dtype);

/// Returns the name that safetensors uses ("F32"), "?" for an unknown type.
std::string_view dtype_name(std::uint32_t dtype);

/// Returns the type with a safetensors name, 0 if there is none.
std::uint32_t dtype_from_name(std::string_view name);

/// Computes the bytes of a dense tensor.
///
/// Errors:  false for an unknown type, a negative extent or more than 2^63 - 1
///          bytes.
bool dense_bytes(std::uint32_t dtype, std::span<const std::int64_t> shape,
                 std::uint64_t &bytes);

/// Returns "f32 256x17", for a scalar "u64 scalar".
std::string type_text(std::uint32_t dtype, std::span<const std::int64_t> shape);

} // namespace phlox::runtime
