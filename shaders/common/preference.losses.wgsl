// The preference losses of preference.wgsl and their slopes (src/method/losses.ts has the formulas), by name.
// c, r: the log-ratios policy - reference of a pair's chosen and rejected answer.

fn sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

fn log_sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  // log(1 + e) loses e's digits when it is small.
  return min(x, 0.0) - select(log(1.0 + e), e - 0.5 * e * e, e < 1e-3);
}

/// A loss of the margin beta * (c - r) and its slopes by c and r, times its weight.
fn of_margin(weight: f32, loss: f32, slope: f32) -> vec3<f32> {
  return weight * vec3(loss, params.beta * slope, -params.beta * slope);
}

/// The losses of one pair alone, summed: loss, d/dc, d/dr of the log-ratios c (chosen) and r (rejected).
fn pair_losses(c: f32, r: f32, chosen_tokens: f32, rejected_tokens: f32) -> vec3<f32> {
  let beta = params.beta;
  let e = params.label_smoothing;
  let x = beta * c;
  let y = beta * r;
  let z = beta * (c - r);
  var sum = vec3(0.0);
  if (params.w_sigmoid != 0.0) {
    sum += of_margin(params.w_sigmoid, -log_sigmoid(z), -sigmoid(-z));
  }
  if (params.w_hinge != 0.0) {
    sum += of_margin(params.w_hinge, max(0.0, 1.0 - z), select(0.0, -1.0, z < 1.0));
  }
  if (params.w_ipo != 0.0) {
    let error = c / chosen_tokens - r / rejected_tokens - 0.5 / beta;
    sum += params.w_ipo * vec3(error * error, 2.0 * error / chosen_tokens, -2.0 * error / rejected_tokens);
  }
  if (params.w_exo_pair != 0.0) {
    let won = log_sigmoid(z) - log(1.0 - e);
    let lost = log_sigmoid(-z) - log(e);
    let qw = sigmoid(z);
    let ql = sigmoid(-z);
    sum += of_margin(params.w_exo_pair, qw * won + ql * lost, qw * ql * (won - lost));
  }
  if (params.w_nca_pair != 0.0) {
    let loss = -log_sigmoid(x) - 0.5 * log_sigmoid(-x) - 0.5 * log_sigmoid(-y);
    sum += params.w_nca_pair * vec3(loss, beta * (0.5 * sigmoid(x) - sigmoid(-x)), beta * 0.5 * sigmoid(y));
  }
  if (params.w_robust != 0.0) {
    let loss = -(1.0 - e) * log_sigmoid(z) + e * log_sigmoid(-z);
    let slope = -(1.0 - e) * sigmoid(-z) - e * sigmoid(z);
    sum += of_margin(params.w_robust / (1.0 - 2.0 * e), loss, slope);
  }
  if (params.w_bco_pair != 0.0) {
    let loss = -log_sigmoid(x) - log_sigmoid(-y);
    sum += params.w_bco_pair * vec3(loss, -beta * sigmoid(-x), beta * sigmoid(y));
  }
  if (params.w_sppo_hard != 0.0) {
    let won = c - 0.5 / beta;
    let lost = r + 0.5 / beta;
    sum += params.w_sppo_hard * vec3(won * won + lost * lost, 2.0 * won, 2.0 * lost);
  }
  if (params.w_apo_zero != 0.0) {
    let loss = sigmoid(-x) + sigmoid(y);
    sum += params.w_apo_zero * vec3(loss, -beta * sigmoid(x) * sigmoid(-x), beta * sigmoid(y) * sigmoid(-y));
  }
  if (params.w_apo_down != 0.0) {
    let slope = beta * sigmoid(z) * sigmoid(-z);
    sum += params.w_apo_down * vec3(sigmoid(x) + sigmoid(-z), beta * sigmoid(x) * sigmoid(-x) - slope, slope);
  }
  if (params.w_discopop != 0.0) {
    let tau = params.discopop_tau;
    let blend = sigmoid(z / tau);
    let rest = sigmoid(-z / tau);
    let exponential = exp(-z);
    let logistic = -log_sigmoid(z);
    let slope = blend * rest / tau * (exponential - logistic) - rest * sigmoid(-z) - blend * exponential;
    sum += of_margin(params.w_discopop, rest * logistic + blend * exponential, slope);
  }
  if (params.w_sigmoid_norm != 0.0) {
    let margin = beta * (c / chosen_tokens - r / rejected_tokens);
    let slope = -beta * sigmoid(-margin);
    sum += params.w_sigmoid_norm * vec3(-log_sigmoid(margin), slope / chosen_tokens, -slope / rejected_tokens);
  }
  return sum;
}

/// The sorting losses' term: -(1 - e) log s(z) - e log s(-z), and its slope by delta, where z = beta * delta.
fn smoothed_logistic(delta: f32) -> vec2<f32> {
  let z = params.beta * delta;
  let e = params.label_smoothing;
  return vec2(
    -(1.0 - e) * log_sigmoid(z) - e * log_sigmoid(-z),
    params.beta * (e * sigmoid(z) - (1.0 - e) * sigmoid(-z)),
  );
}
