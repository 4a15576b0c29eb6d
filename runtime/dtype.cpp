#include "runtime/dtype.h"

namespace phlox::runtime {
namespace {

struct Entry {
  std::uint32_t dtype;
  std::size_t size;
  std::string_view name;
};
constexpr Entry entries[] = {
    {PHLOX_F32, 4, "F32"}, {PHLOX_F64, 8, "F64"},   {PHLOX_BF16, 2, "BF16"},
    {PHLOX_I32, 4, "I32"}, {PHLOX_U32, 4, "U32"},   {PHLOX_I64, 8, "I64"},
    {PHLOX_U64, 8, "U64"}, {PHLOX_BOOL, 1, "BOOL"}, {dtype_u8, 1, "U8"}};

} // namespace

std::size_t dtype_size(std::uint32_t dtype) {
  for (const Entry &entry : entries)
    if (entry.dtype == dtype)
      return entry.size;
  return 0;
}

std::string_view dtype_name(std::uint32_t dtype) {
  for (const Entry &entry : entries)
    if (entry.dtype == dtype)
      return entry.name;
  return "?";
}

std::uint32_t dtype_from_name(std::string_view name) {
  for (const Entry &entry : entries)
    if (entry.name == name)
      return entry.dtype;
  return 0;
}

bool dense_bytes(std::uint32_t dtype, std::span<const std::int64_t> shape,
                 std::uint64_t &bytes) {
  std::int64_t product = static_cast<std::int64_t>(dtype_size(dtype));
  if (product == 0)
    return false;
  bool empty = false;
  for (std::int64_t extent : shape) {
    if (extent < 0)
      return false;
    // a zero must not hide an overflow of the other extents
    if (extent == 0)
      empty = true;
    else if (__builtin_mul_overflow(product, extent, &product))
      return false;
  }
  bytes = empty ? 0 : static_cast<std::uint64_t>(product);
  return true;
}

std::string type_text(std::uint32_t dtype,
                      std::span<const std::int64_t> shape) {
  std::string text;
  for (char c : dtype_name(dtype))
    text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (shape.empty())
    return text + " scalar";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 ? " " : "x") + std::to_string(shape[i]);
  return text;
}

} // namespace phlox::runtime
