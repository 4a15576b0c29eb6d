// Environments behind virtual calls, so that the trainer is compiled once.
#pragma once
#include "rl/trainer/environment.h"
#include <functional>
#include <memory>
#include <utility>

namespace phlox::rl {

/// The members of the VectorEnvironment concept, one by one, and what an
/// environment may also say: empty if it does not.
class AnyEnvironment {
public:
  virtual ~AnyEnvironment() = default;
  virtual int size() const = 0;
  virtual int obs_size() const = 0;
  virtual int action_size() const = 0;
  virtual int max_episode_steps() const = 0;
  virtual void reset() = 0;
  virtual void step(std::span<const float> actions) = 0;
  virtual std::span<const float> obs() const = 0;
  virtual std::span<const float> next_obs() const = 0;
  virtual std::span<const double> reward() const = 0;
  virtual std::span<const std::uint8_t> terminated() const = 0;
  virtual std::span<const std::uint8_t> truncated() const = 0;
  virtual std::span<const double> episode_return() const = 0;
  virtual std::span<const int> episode_length() const = 0;
  virtual std::int64_t sim_warnings() const = 0;
  virtual std::span<const std::string> reward_part_names() const = 0;
  virtual std::span<const double> reward_parts() const = 0;
  virtual std::span<const double> success() const = 0;
  virtual std::vector<std::byte> save() const = 0;
  virtual void load(std::span<const std::byte> bytes) = 0;
};

/// Owns an environment of any type that satisfies the concept.
template <VectorEnvironment E>
class EnvironmentHolder final : public AnyEnvironment {
public:
  explicit EnvironmentHolder(std::unique_ptr<E> env) : env_(std::move(env)) {}
  int size() const override { return view().size(); }
  int obs_size() const override { return view().obs_size(); }
  int action_size() const override { return view().action_size(); }
  int max_episode_steps() const override { return view().max_episode_steps(); }
  void reset() override { env_->reset(); }
  void step(std::span<const float> actions) override { env_->step(actions); }
  std::span<const float> obs() const override { return view().obs(); }
  std::span<const float> next_obs() const override { return view().next_obs(); }
  std::span<const double> reward() const override { return view().reward(); }
  std::span<const std::uint8_t> terminated() const override {
    return view().terminated();
  }
  std::span<const std::uint8_t> truncated() const override {
    return view().truncated();
  }
  std::span<const double> episode_return() const override {
    return view().episode_return();
  }
  std::span<const int> episode_length() const override {
    return view().episode_length();
  }
  std::int64_t sim_warnings() const override { return view().sim_warnings(); }
  std::span<const std::string> reward_part_names() const override {
    if constexpr (requires { view().reward_part_names(); })
      return view().reward_part_names();
    return {};
  }
  std::span<const double> reward_parts() const override {
    if constexpr (requires { view().reward_parts(); })
      return view().reward_parts();
    return {};
  }
  std::span<const double> success() const override {
    if constexpr (requires { view().success(); })
      return view().success();
    return {};
  }
  std::vector<std::byte> save() const override { return view().save(); }
  void load(std::span<const std::byte> bytes) override { env_->load(bytes); }

private:
  const E &view() const { return *env_; }
  std::unique_ptr<E> env_;
};

/// What a new set of environments is for.
struct EnvironmentRequest {
  std::uint64_t seed = 0;
  std::string purpose; // names the streams: "env", "eval/12", "eval/final"
  int num_envs = 1;
  int threads = 1; // that it may use, the caller's included
};

using EnvironmentFactory =
    std::function<std::unique_ptr<AnyEnvironment>(const EnvironmentRequest &)>;

/// Turns a callable that returns std::unique_ptr<E> into a factory.
template <VectorEnvironment E, class Make>
EnvironmentFactory environment_factory(Make make) {
  return [make = std::move(make)](const EnvironmentRequest &request) {
    return std::make_unique<EnvironmentHolder<E>>(make(request));
  };
}

} // namespace phlox::rl
