#include "rl/algorithms/temperature.h"
#include <cmath>

namespace phlox::rl {

void TemperatureSettings::visit(Settings &s) {
  s.real("alpha.initial", initial, 1e-8, 1e8, "temperature at the start");
  s.flag("alpha.fixed", fixed, "keep the initial temperature");
  s.real("alpha.floor", floor, 0, 1e8, "least temperature in use");
  s.integer("alpha.every", every, 1, int64_t{1} << 40,
            "updates per temperature update");
  rate.visit(s, "alpha.lr");
  s.real("target_entropy_scale", target_entropy_scale, -100, 100,
         "entropy goal: minus this times the action size");
  s.optional_real("target_entropy", target_entropy, -1e6, 1e6,
                  "entropy goal in nats per action vector, instead");
}

double TemperatureSettings::goal(int64_t action_size) const {
  return target_entropy.value_or(-target_entropy_scale *
                                 static_cast<double>(action_size));
}

Temperature::Temperature(Program &program, const TemperatureSettings &settings,
                         int64_t action_size)
    : settings_(settings), goal_(settings.goal(action_size)),
      log_alpha_(program.leaf("log_alpha", {})) {
  if (!settings.fixed)
    adam_ = Adam(program, "log_alpha", Parameters({log_alpha_}), settings.rate);
}

void Temperature::init(Entry &entry) const {
  entry.write(log_alpha_, std::log(settings_.initial));
  if (!settings_.fixed)
    adam_.init(entry);
}

Tensor Temperature::value(Entry &entry) const {
  Tensor alpha = exp(entry.read(log_alpha_));
  return stopgradient(settings_.floor > 0 ? max(alpha, settings_.floor)
                                          : alpha);
}

Tensor Temperature::at_floor(Entry &entry) const {
  return convert(exp(entry.read(log_alpha_)) < settings_.floor, Element::real);
}

TemperatureLoss Temperature::loss(Entry &entry,
                                  const Tensor &mean_entropy) const {
  Tensor excess = stopgradient(mean_entropy) - goal_;
  return {entry.read(log_alpha_) * excess, excess};
}

void Temperature::step(Entry &entry, Gate &gate, const TemperatureLoss &loss,
                       const Tensor &counter) const {
  if (settings_.fixed)
    return;
  gate.watch(loss.loss);
  gate.watch(
      adam_.step(entry, gate, {loss.grad}, every(counter, settings_.every))
          .front());
}

} // namespace phlox::rl
