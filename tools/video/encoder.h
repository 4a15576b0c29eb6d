// H.264 in an MP4, through FFmpeg's libraries.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace phlox::tools {

/// Encodes pictures of one size; the file appears when all is in it.
class Encoder {
public:
  /// Begins a file beside `path`.
  ///
  /// Units:   width and height in pixels, even; fps above 0.
  /// Errors:  std::runtime_error with path and what FFmpeg says.
  Encoder(const std::string &path, int width, int height, double fps);
  Encoder(const Encoder &) = delete;
  Encoder &operator=(const Encoder &) = delete;
  ~Encoder();

  /// Adds a picture.
  ///
  /// Shapes:  rgb (height, width, 3), top row first.
  void add(std::span<const std::uint8_t> rgb);
  /// Writes what is pending and gives the file its name.
  void finish();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace phlox::tools
