// The library's side of video.h; linked into libphlox_video.
#include "tools/video/encoder.h"
#include "tools/video/renderer.h"
#include <fmt/format.h>
#include <stdexcept>

namespace phlox::tools {
namespace {

class Mp4 final : public Video {
public:
  Mp4(const VideoRequest &request, const mjModel *model)
      : request_(request), renderer_(model, request.tile),
        encoder_(request.path, request.columns * request.tile,
                 request.rows * request.tile, request.fps),
        picture_(std::size_t(3) * request.columns * request.tile *
                 request.rows * request.tile) {}

  void add(std::span<const VideoTile> tiles) override {
    const auto wanted = std::size_t(request_.columns) * request_.rows;
    if (tiles.size() != wanted)
      throw std::runtime_error(fmt::format("a frame must have {} tiles: got {}",
                                           wanted, tiles.size()));
    const std::ptrdiff_t row = 3 * request_.tile,
                         stride = row * request_.columns;
    for (std::size_t i = 0; i < tiles.size(); i++) {
      const auto x = static_cast<std::ptrdiff_t>(i) % request_.columns,
                 y = static_cast<std::ptrdiff_t>(i) / request_.columns;
      renderer_.draw(tiles[i],
                     picture_.data() + y * request_.tile * stride + x * row,
                     stride);
    }
    encoder_.add(picture_);
  }

  void finish() override { encoder_.finish(); }

private:
  VideoRequest request_;
  Renderer renderer_;
  Encoder encoder_;
  std::vector<std::uint8_t> picture_;
};

} // namespace
} // namespace phlox::tools

extern "C" __attribute__((visibility("default"))) phlox::tools::Video *
phlox_video_begin(const phlox::tools::VideoRequest *request,
                  const mjModel *model) {
  return new phlox::tools::Mp4(*request, model);
}
