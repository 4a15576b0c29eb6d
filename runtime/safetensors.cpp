#include "runtime/safetensors.h"
#include "runtime/dtype.h"
#include "runtime/file.h"
#include "runtime/json_reader.h"
#include "runtime/safetensors_header.h"
#include <algorithm>
#include <array>
#include <stdexcept>

namespace phlox::runtime {
namespace {

// the limit of the format's own reader
constexpr std::uint64_t largest_header = 100'000'000;

// the length in front of the header, little-endian
constexpr std::size_t length_bytes = 8;

Header read_header(int fd, std::size_t file_bytes, const std::string &path) {
  if (file_bytes < length_bytes)
    throw std::runtime_error(path +
                             ": cut short: must hold at least 8 bytes: "
                             "got " +
                             std::to_string(file_bytes));
  std::array<std::byte, length_bytes> raw;
  read_exactly(fd, raw, path);
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < raw.size(); ++i)
    length |= std::to_integer<std::uint64_t>(raw[i]) << (8 * i);
  std::uint64_t room = file_bytes - length_bytes;
  if (length > largest_header)
    throw std::runtime_error(path + ": header must be at most " +
                             std::to_string(largest_header) + " bytes: got " +
                             std::to_string(length));
  if (length > room)
    throw std::runtime_error(path + ": cut short: header must fit " +
                             std::to_string(room) + " bytes: got " +
                             std::to_string(length));
  std::string text(length, '\0');
  read_exactly(fd, std::as_writable_bytes(std::span(text)), path);
  try {
    Header header = parse_header(text);
    check_extents(header.rows, room - length);
    return header;
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

// compiled code reads a BOOL as one bit
void check_bools(const StoredTensor &tensor, const std::string &path) {
  if (tensor.dtype != PHLOX_BOOL)
    return;
  for (std::size_t i = 0; i < tensor.data.size(); ++i)
    if (std::to_integer<unsigned>(tensor.data[i]) > 1)
      throw std::runtime_error(
          path + ": tensor " + json_quoted(tensor.name) +
          ": element must be 0 or 1: got " +
          std::to_string(std::to_integer<unsigned>(tensor.data[i])) + " at " +
          std::to_string(i));
}

Header layout(std::vector<TensorView> &tensors, const Metadata &metadata,
              const std::string &path) {
  std::sort(tensors.begin(), tensors.end(),
            [](const TensorView &a, const TensorView &b) {
              std::size_t wide_a = dtype_size(a.dtype),
                          wide_b = dtype_size(b.dtype);
              return wide_a != wide_b ? wide_a > wide_b : a.name < b.name;
            });
  Header header;
  header.metadata = metadata;
  std::uint64_t at = 0;
  for (const TensorView &tensor : tensors) {
    std::uint64_t bytes = 0;
    if (!dense_bytes(tensor.dtype, tensor.shape, bytes) ||
        bytes != tensor.data.size())
      throw std::runtime_error(path + ": tensor " + json_quoted(tensor.name) +
                               ": must hold the bytes of " +
                               type_text(tensor.dtype, tensor.shape) +
                               ": got " + std::to_string(tensor.data.size()));
    HeaderRow row;
    row.name = tensor.name;
    row.dtype = tensor.dtype;
    row.shape.assign(tensor.shape.begin(), tensor.shape.end());
    row.begin = at;
    row.end = at += bytes;
    header.rows.push_back(std::move(row));
  }
  return header;
}

void check_names(const Header &header, const std::string &path) {
  std::vector<std::string_view> names = {"__metadata__"};
  for (const HeaderRow &row : header.rows)
    names.push_back(row.name);
  std::sort(names.begin(), names.end());
  auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end())
    throw std::runtime_error(path + ": tensor " + json_quoted(*twice) +
                             ": name must occur once: got it twice");
}

void write_views(const std::string &path, std::vector<TensorView> tensors,
                 const Metadata &metadata) {
  Header header = layout(tensors, metadata, path);
  check_names(header, path);
  std::string text;
  try {
    text = format_header(header);
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(path + ": " + error.what());
  }
  std::array<std::byte, length_bytes> length;
  for (std::size_t i = 0; i < length.size(); ++i)
    length[i] = static_cast<std::byte>(std::uint64_t{text.size()} >> (8 * i));
  AtomicFile file(path);
  file.write(length);
  file.write(std::as_bytes(std::span(text)));
  for (const TensorView &tensor : tensors)
    file.write(tensor.data);
  file.commit();
}

} // namespace

const StoredTensor *TensorFile::find(std::string_view name) const {
  for (const StoredTensor &tensor : tensors)
    if (tensor.name == name)
      return &tensor;
  return nullptr;
}

TensorFile read_safetensors(const std::string &path) {
  std::size_t file_bytes = 0;
  Descriptor fd = open_regular_file(path, file_bytes);
  Header header = read_header(fd.get(), file_bytes, path);
  TensorFile result;
  result.metadata = std::move(header.metadata);
  // checked: rows follow each other, so reading goes straight through
  for (HeaderRow &row : header.rows) {
    StoredTensor tensor;
    tensor.name = std::move(row.name);
    tensor.dtype = static_cast<phlox_dtype>(row.dtype);
    tensor.shape = std::move(row.shape);
    tensor.data.resize(row.end - row.begin);
    read_exactly(fd.get(), tensor.data, path);
    check_bools(tensor, path);
    result.tensors.push_back(std::move(tensor));
  }
  return result;
}

void write_safetensors(const std::string &path,
                       std::span<const TensorView> tensors,
                       const Metadata &metadata) {
  write_views(path, std::vector<TensorView>(tensors.begin(), tensors.end()),
              metadata);
}

void write_safetensors(const std::string &path,
                       std::span<const StoredTensor> tensors,
                       const Metadata &metadata) {
  std::vector<TensorView> views;
  for (const StoredTensor &tensor : tensors)
    views.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.data});
  write_views(path, std::move(views), metadata);
}

} // namespace phlox::runtime
