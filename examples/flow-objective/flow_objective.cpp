// An objective of one's own: flow matching on uniform candidates of the box,
// weighted by the critics (importance sampling instead of reverse sampling).
// The result trains like any algorithm: phlox train --artifact OUT.so.
//
//   flow-objective OUT.so OBS_SIZE ACTION_SIZE
#include "compiler/artifact/Link.h"
#include "rl/algorithms/flow_policy.h"
#include <cstdio>
#include <cstdlib>

using namespace phlox;
using namespace phlox::rl;

namespace {

constexpr int64_t candidates = 32; // per state

struct Model {
  LearnerSettings learning;
  FlowSettings flow;
  EnvSpec env;
  FlowNetwork actor, average;
  Learner learner;
};

// the flow of a velocity network under some parameters
Flow flow_of(const FlowNetwork &network, const std::vector<Tensor> &parameters,
             const Tensor &obs) {
  return velocity_flow(
      [=](const Tensor &x, const Tensor &t) {
        return network(parameters, obs, x, {t});
      },
      "midpoint");
}

// candidates a_i ~ U(box), each with a time and noise of its own; weights
// softmax(Q / alpha), since the density of U is constant
ActorLoss actor_loss(Entry &e, const Model &m, const Transitions &batch,
                     const Key &key) {
  int64_t rows = batch.obs.extent(0);
  Extents shape{rows, candidates, m.env.action_size};
  Tensor a = key.uniform("candidates", shape) * 2 - 1; // (B, K, A)
  Tensor q = m.learner.score(e, batch.obs, a);         // (B, K)
  Tensor w = softmax(q / m.learner.temperature().value(e), 1);
  Tensor t = key.uniform("time", {rows, candidates, 1}); // (B, K, 1)
  Tensor noise = key.normal("path", shape) * m.flow.base_std;
  Tensor x = t * a + (1 - t) * noise;
  auto parameters = m.actor.mlp().parameters().read(e);
  Tensor v = m.actor(parameters, batch.obs, x, {t}); // (B, K, A)
  Tensor error = mean(square(v - (a - noise)), 2);   // (B, K)
  Tensor loss = mean(sum(stopgradient(w) * error, 1));
  return {loss, grad(loss, parameters)};
}

void train_step(Entry &e, const Model &m) {
  Transitions batch = m.learner.batch(e);
  Key key = m.learner.key(e, "train_step");
  auto actor = m.actor.mlp().parameters().read(e);
  FlowSample next = next_sample(
      e, m.learner, m.flow,
      [&](const Tensor &obs) { return flow_of(m.actor, actor, obs); }, 5,
      batch.next_obs, key);
  Losses losses;
  losses.entropy = next.entropy;
  losses.action = next.action;
  losses.soft_target =
      m.learner.soft_target(e, batch, clip(next.action, -1, 1), next.entropy);
  losses.critic = m.learner.critic_loss(e, batch, losses.soft_target);
  losses.actor = actor_loss(e, m, batch, key);
  m.learner.update(e, losses);
}

Program trace(const EnvSpec &env) {
  Program program("flow-objective");
  Model m;
  m.env = env;
  m.learning.actor = m.learning.critic = {{64, 64}, "mish"};
  m.learning.temperature.floor = 1e-3;
  m.actor = FlowNetwork(program, "actor", env.obs_size, env.action_size, 1,
                        m.learning.actor, m.flow.embedding);
  m.average = m.actor.copy(program, "average_actor");
  m.learner = Learner(program, m.learning, env, m.actor.mlp().parameters(),
                      m.average.mlp().parameters());
  program.entry("init", [&](Entry &e) {
    Key key = m.learner.init(e);
    m.actor.mlp().init(e, key);
    m.average.mlp().assign(e, m.actor.mlp());
  });
  program.entry("train_step", [&](Entry &e) { train_step(e, m); });
  add_acting(program, {1, 10}, env, m.learner, m.flow, 5,
             [&](Entry &e, const Tensor &obs) {
               auto average = m.average.mlp().parameters().read(e);
               return flow_of(m.average, average, obs);
             });
  return program;
}

} // namespace

int main(int argc, char **argv) try {
  EnvSpec env;
  if (argc == 4)
    env = {std::atoi(argv[2]), std::atoi(argv[3]), "task"};
  if (env.obs_size < 1 || env.action_size < 1) {
    std::fprintf(stderr, "usage: flow-objective OUT.so OBS_SIZE ACTION_SIZE\n");
    return 2;
  }
  Program program = trace(env);
  auto compiled = compile(program.module(), {});
  llvm::Error error = compiled ? artifact::writeShared(*compiled, argv[1])
                               : compiled.takeError();
  if (!error)
    return 0;
  std::fprintf(stderr, "flow-objective: %s\n",
               llvm::toString(std::move(error)).c_str());
  return 1;
} catch (const std::exception &error) {
  std::fprintf(stderr, "flow-objective: %s\n", error.what());
  return 1;
}
