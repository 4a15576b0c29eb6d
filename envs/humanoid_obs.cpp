#include "envs/humanoid_obs.h"

namespace phlox::envs {

Kwargs HumanoidObs::defaults(Kwargs own) {
  for (const char *key :
       {"exclude_current_positions_from_observation",
        "include_cinert_in_observation", "include_cvel_in_observation",
        "include_qfrc_actuator_in_observation",
        "include_cfrc_ext_in_observation"})
    own[key] = true;
  return own;
}

HumanoidObs HumanoidObs::from(const Kwargs &kwargs) {
  return {kwargs["exclude_current_positions_from_observation"],
          kwargs["include_cinert_in_observation"],
          kwargs["include_cvel_in_observation"],
          kwargs["include_qfrc_actuator_in_observation"],
          kwargs["include_cfrc_ext_in_observation"]};
}

int HumanoidObs::size(const mjModel &model) const {
  const int bodies = model.nbody - 1;
  return model.nq - (exclude_positions ? 2 : 0) + model.nv +
         (cinert ? 10 * bodies : 0) + (cvel ? 6 * bodies : 0) +
         (qfrc_actuator ? model.nv - 6 : 0) + (cfrc_ext ? 6 * bodies : 0);
}

void HumanoidObs::write(const mjModel &model, const mjData &data,
                        std::span<double> obs) const {
  const auto nq = static_cast<std::size_t>(model.nq);
  const auto nv = static_cast<std::size_t>(model.nv);
  ObsWriter out(obs);
  out.add(std::span(data.qpos, nq).subspan(exclude_positions ? 2 : 0));
  out.add(std::span(data.qvel, nv));
  if (cinert)
    out.add(body_rows(model, data.cinert, 10, 1));
  if (cvel)
    out.add(body_rows(model, data.cvel, 6, 1));
  if (qfrc_actuator)
    out.add(std::span(data.qfrc_actuator, nv).subspan(6));
  if (cfrc_ext)
    out.add(body_rows(model, data.cfrc_ext, 6, 1));
}

} // namespace phlox::envs
