// What the study of importance-sampling flow matching found, and its page.
#pragma once
#include "test/support/lqr_agent.h"

namespace phlox::bench {

/// One trained policy.
struct Trained {
  std::string algorithm, proposal, weights;
  int updates = 0, per_state = 0, batch = 0; ///< per_state: proposals
  test::LqrReport report;
  double ess = 0, theory = 0;  ///< shares of the proposals
  double sampler_bias = 0;     ///< of the covariance, with the exact velocity
  std::vector<double> actions; ///< at the task's first state
};

/// A policy that began too narrow: after how many updates more, its variance
/// over the optimal one, and the share of proposals that it measures.
struct Widening {
  std::string proposal;
  std::vector<int> updates;
  std::vector<double> spread, ess;
};

struct Study {
  std::string title;
  test::LqrTask task;
  std::vector<Trained> proposals;
  std::vector<Widening> narrow;
  std::vector<Trained> longer; ///< of all algorithms, with longer budgets
};

/// Returns the page as Markdown, and its picture as SVG.
std::string page(const std::vector<Study> &studies, int updates, int proposals,
                 int batch);
std::string drawing(const std::vector<Study> &studies);

} // namespace phlox::bench
