#include "runtime/safetensors_header.h"
#include "runtime/dtype.h"
#include "runtime/json_reader.h"
#include <algorithm>
#include <set>
#include <stdexcept>

namespace phlox::runtime {
namespace {

constexpr std::string_view metadata_key = "__metadata__";

[[noreturn]] void refuse(std::string_view name, const std::string &reason) {
  throw std::runtime_error("tensor " + json_quoted(name) + ": " + reason);
}

Metadata parse_metadata(JsonReader &json) {
  Metadata metadata;
  json.object([&](const std::string &key) {
    if (!metadata.emplace(key, json.string()).second)
      throw std::runtime_error("metadata key " + json_quoted(key) +
                               " must occur once: got it twice");
  });
  return metadata;
}

void parse_offsets(JsonReader &json, HeaderRow &row) {
  std::vector<std::int64_t> offsets;
  json.array([&] { offsets.push_back(json.whole_number()); });
  if (offsets.size() != 2)
    refuse(row.name, "data_offsets must be 2 numbers: got " +
                         std::to_string(offsets.size()));
  if (offsets[0] > offsets[1])
    refuse(row.name, "data_offsets must ascend: got " +
                         std::to_string(offsets[0]) + " and " +
                         std::to_string(offsets[1]));
  row.begin = static_cast<std::uint64_t>(offsets[0]);
  row.end = static_cast<std::uint64_t>(offsets[1]);
}

HeaderRow parse_row(JsonReader &json, const std::string &name) {
  HeaderRow row;
  row.name = name;
  std::set<std::string> seen;
  json.object([&](const std::string &key) {
    if (!seen.insert(key).second)
      refuse(name,
             "key " + json_quoted(key) + " must occur once: got it twice");
    if (key == "dtype") {
      std::string text = json.string();
      row.dtype = dtype_from_name(text);
      if (row.dtype == 0)
        refuse(name, "dtype must be F32, F64, BF16, I32, U32, I64, U64, BOOL "
                     "or U8: got " +
                         json_quoted(text));
    } else if (key == "shape") {
      json.array([&] { row.shape.push_back(json.whole_number()); });
    } else if (key == "data_offsets") {
      parse_offsets(json, row);
    } else {
      refuse(name, "keys must be dtype, shape and data_offsets: got " +
                       json_quoted(key));
    }
  });
  for (const char *key : {"dtype", "shape", "data_offsets"})
    if (!seen.contains(key))
      refuse(name,
             std::string("key \"") + key + "\" must be present: got none");
  std::uint64_t bytes = 0;
  if (!dense_bytes(row.dtype, row.shape, bytes))
    refuse(name, "size must be below 2^63 bytes: got " +
                     type_text(row.dtype, row.shape));
  if (row.end - row.begin != bytes)
    refuse(name, "data_offsets must span the " + std::to_string(bytes) +
                     " bytes of " + type_text(row.dtype, row.shape) + ": got " +
                     std::to_string(row.end - row.begin));
  return row;
}

} // namespace

Header parse_header(std::string_view text) {
  // the format wants the brace first, white space only behind
  if (text.empty() || text[0] != '{')
    throw std::runtime_error("header must begin with '{'");
  Header header;
  std::set<std::string> names;
  JsonReader json(text);
  json.object([&](const std::string &key) {
    if (!names.insert(key).second)
      refuse(key, "name must occur once: got it twice");
    if (key == metadata_key)
      header.metadata = parse_metadata(json);
    else
      header.rows.push_back(parse_row(json, key));
  });
  json.finish();
  return header;
}

void check_extents(std::vector<HeaderRow> &rows, std::uint64_t data_bytes) {
  std::sort(rows.begin(), rows.end(),
            [](const HeaderRow &a, const HeaderRow &b) {
              return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
            });
  std::uint64_t at = 0;
  for (const HeaderRow &row : rows) {
    if (row.begin != at)
      refuse(row.name, "bytes must begin at " + std::to_string(at) +
                           " where the tensor before ends: got " +
                           std::to_string(row.begin));
    if (row.end > data_bytes)
      refuse(row.name, "cut short: bytes must end within the file's " +
                           std::to_string(data_bytes) + ": got " +
                           std::to_string(row.end));
    at = row.end;
  }
  if (at != data_bytes)
    throw std::runtime_error(
        "tensors must cover all " + std::to_string(data_bytes) +
        " bytes after the header: got " + std::to_string(at));
}

std::string format_header(const Header &header) {
  auto checked = [](const std::string &text) {
    if (!is_utf8(text))
      throw std::runtime_error("names and metadata must be UTF-8: got " +
                               std::to_string(text.size()) +
                               " bytes that are not");
    return json_quoted(text);
  };
  std::string text = "{", comma;
  if (!header.metadata.empty()) {
    text += json_quoted(metadata_key) + ":{";
    for (const auto &[key, value] : header.metadata) {
      text += comma + checked(key) + ":" + checked(value);
      comma = ",";
    }
    text += "}";
  }
  for (const HeaderRow &row : header.rows) {
    text += comma + checked(row.name) + ":{\"dtype\":\"" +
            std::string(dtype_name(row.dtype)) + "\",\"shape\":[";
    for (std::size_t i = 0; i < row.shape.size(); ++i)
      text += (i == 0 ? "" : ",") + std::to_string(row.shape[i]);
    text += "],\"data_offsets\":[" + std::to_string(row.begin) + "," +
            std::to_string(row.end) + "]}";
    comma = ",";
  }
  text += "}";
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

} // namespace phlox::runtime
