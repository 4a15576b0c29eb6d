#include "tools/video/encoder.h"
#include "runtime/file.h"
#include <cerrno>
#include <cmath>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <stdexcept>
#include <sys/file.h>
#include <unistd.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

namespace phlox::tools {
namespace {

namespace fs = std::filesystem;

// between a file's name and the process that writes it
constexpr const char *mark = ".tmp-";

std::string words_of(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof text);
  return text;
}

// the one of the best quality per byte first
const AVCodec *find_codec() {
  for (const char *name : {"libx264", "libopenh264"})
    if (const AVCodec *codec = avcodec_find_encoder_by_name(name))
      return codec;
  return avcodec_find_encoder(AV_CODEC_ID_H264);
}

// what a process leaves that was killed is not locked any more
void remove_leftovers(const fs::path &path) {
  const std::string begin = path.filename().string() + mark;
  std::error_code ignored;
  for (const auto &entry : fs::directory_iterator(
           path.has_parent_path() ? path.parent_path() : ".", ignored)) {
    if (!entry.path().filename().string().starts_with(begin))
      continue;
    const runtime::Descriptor fd(
        open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() >= 0 && flock(fd.get(), LOCK_EX | LOCK_NB) == 0)
      fs::remove(entry.path(), ignored);
  }
}

} // namespace

struct Encoder::Impl {
  explicit Impl(const std::string &path)
      : path(path), temporary(fmt::format("{}{}{}", path, mark, getpid())) {
    remove_leftovers(path);
    lock = runtime::Descriptor(::open(
        temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (lock.get() < 0)
      fail("written", AVERROR(errno));
    // where there are no locks, leftovers stay
    flock(lock.get(), LOCK_EX | LOCK_NB);
  }
  Impl(const Impl &) = delete;
  Impl &operator=(const Impl &) = delete;
  ~Impl() {
    if (format && format->pb)
      avio_closep(&format->pb);
    avformat_free_context(format);
    avcodec_free_context(&codec);
    av_frame_free(&frame);
    av_packet_free(&packet);
    sws_freeContext(convert);
    std::error_code ignored;
    fs::remove(temporary, ignored);
  }

  [[noreturn]] void fail(const char *what, int error) const {
    throw std::runtime_error(
        fmt::format("{}: must be {}: got: {}", path, what, words_of(error)));
  }
  int check(int result, const char *what) const {
    if (result < 0)
      fail(what, result);
    return result;
  }
  template <class T> T *demand(T *made, const char *what) const {
    if (!made)
      fail(what, AVERROR(ENOMEM));
    return made;
  }

  void open(int width, int height, double fps) {
    const AVCodec *found = find_codec();
    if (!found)
      throw std::runtime_error(fmt::format(
          "{}: FFmpeg's libraries must encode H.264 (libx264): got none",
          path));
    av_log_set_level(AV_LOG_QUIET); // errors come as codes
    check(avformat_alloc_output_context2(&format, nullptr, "mp4",
                                         temporary.c_str()),
          "an MP4");
    codec = demand(avcodec_alloc_context3(found), "encoded");
    codec->width = width;
    codec->height = height;
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    codec->framerate = av_d2q(fps, 1'000'000);
    codec->time_base = av_inv_q(codec->framerate);
    codec->color_range = AVCOL_RANGE_MPEG;
    codec->thread_count = 1; // small pictures; results do not depend on cores
    if (format->oformat->flags & AVFMT_GLOBALHEADER)
      codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_opt_set(codec->priv_data, "crf", "20", 0);
    av_opt_set(codec->priv_data, "preset", "medium", 0);
    check(avcodec_open2(codec, found, nullptr), "encoded");
    stream = demand(avformat_new_stream(format, nullptr), "an MP4");
    stream->time_base = codec->time_base;
    stream->avg_frame_rate = codec->framerate;
    check(avcodec_parameters_from_context(stream->codecpar, codec), "an MP4");
    check(avio_open(&format->pb, temporary.c_str(), AVIO_FLAG_WRITE),
          "written");
    AVDictionary *options = nullptr;
    av_dict_set(&options, "movflags", "+faststart", 0);
    const int begun = avformat_write_header(format, &options);
    av_dict_free(&options);
    check(begun, "written");
    frame = demand(av_frame_alloc(), "encoded");
    frame->format = codec->pix_fmt;
    frame->width = width;
    frame->height = height;
    check(av_frame_get_buffer(frame, 0), "encoded");
    packet = demand(av_packet_alloc(), "encoded");
    convert = demand(sws_getContext(width, height, AV_PIX_FMT_RGB24, width,
                                    height, AV_PIX_FMT_YUV420P, SWS_BICUBIC,
                                    nullptr, nullptr, nullptr),
                     "encoded");
  }

  void send(const AVFrame *picture) {
    check(avcodec_send_frame(codec, picture), "encoded");
    for (;;) {
      const int got = avcodec_receive_packet(codec, packet);
      if (got == AVERROR(EAGAIN) || got == AVERROR_EOF)
        return;
      check(got, "encoded");
      av_packet_rescale_ts(packet, codec->time_base, stream->time_base);
      packet->stream_index = stream->index;
      check(av_interleaved_write_frame(format, packet), "written");
    }
  }

  std::string path, temporary;
  runtime::Descriptor lock; // of the temporary file
  AVFormatContext *format = nullptr;
  AVCodecContext *codec = nullptr;
  AVStream *stream = nullptr;
  AVFrame *frame = nullptr;
  AVPacket *packet = nullptr;
  SwsContext *convert = nullptr;
  std::int64_t frames = 0;
};

Encoder::Encoder(const std::string &path, int width, int height, double fps)
    : impl_(std::make_unique<Impl>(path)) {
  if (!(fps > 0) || !std::isfinite(fps))
    throw std::runtime_error(
        fmt::format("frames per second must be above 0: got {}", fps));
  impl_->open(width, height, fps);
}

Encoder::~Encoder() = default;

void Encoder::add(std::span<const std::uint8_t> rgb) {
  Impl &i = *impl_;
  const std::uint8_t *rows[] = {rgb.data()};
  const int strides[] = {3 * i.frame->width};
  i.check(av_frame_make_writable(i.frame), "encoded");
  sws_scale(i.convert, rows, strides, 0, i.frame->height, i.frame->data,
            i.frame->linesize);
  i.frame->pts = i.frames++;
  i.send(i.frame);
}

void Encoder::finish() {
  Impl &i = *impl_;
  i.send(nullptr);
  i.check(av_write_trailer(i.format), "written");
  i.check(avio_closep(&i.format->pb), "written");
  std::error_code error;
  fs::rename(i.temporary, i.path, error);
  if (error)
    i.fail("written", AVERROR(error.value()));
}

} // namespace phlox::tools
