// The JSON header of a safetensors file: strict reading and writing.
#pragma once
#include "runtime/safetensors.h"

namespace phlox::runtime {

/// One tensor's row in the header.
struct HeaderRow {
  std::string name;
  std::uint32_t dtype = 0;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0; // bytes from the end of the header
};

struct Header {
  std::vector<HeaderRow> rows;
  Metadata metadata;
};

/// Parses a header; types and sizes of rows agree, extents are checked later.
///
/// Errors:  std::runtime_error without the path: the byte, what must stand
///          there and what was got; or the tensor's name and what is wrong.
Header parse_header(std::string_view text);

/// Checks that the rows' bytes follow each other from 0 to `data_bytes` without
/// hole or overlap, and sorts the rows by position.
///
/// Errors:  std::runtime_error naming the tensor.
void check_extents(std::vector<HeaderRow> &rows, std::uint64_t data_bytes);

/// Returns the header's JSON text, padded with spaces to a multiple of 8.
///
/// Errors:  std::runtime_error for text that is not UTF-8.
std::string format_header(const Header &header);

} // namespace phlox::runtime
