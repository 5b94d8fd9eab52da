// GELU (Hendrycks & Gimpel 2016, arXiv 1606.08415) in its three customary forms, elementwise:
//   ERF    y = x * Phi(x),  Phi(x) = (1 + erf(x / sqrt 2)) / 2
//   TANH   y = x * sigmoid(2u),  u = sqrt(2 / pi) * (x + 0.044715 x^3);  the same as x * (1 + tanh u) / 2
//   QUICK  y = x * sigmoid(1.702 x),  as in OpenAI's CLIP
//   dinp = dout * dy/dx                                                           assigned
// erf is Abramowitz & Stegun 7.1.26, off by at most 1.5e-7, so y is off by at most 0.75e-7 |x| and f32 rounding.
// x, y, dout, dinp: (size).
// Numbers are read by the element (common/element.*.wgsl): four at a time where size is a multiple of 4.
//
// An invocation does a few elements (common/flat.wgsl).

struct Params {
  group_offset: vec3<u32>,
  size: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<element>;
@group(0) @binding(1) var<storage, read_write> y: array<element>;
@group(0) @binding(2) var<storage, read> dout: array<element>;
@group(0) @binding(3) var<storage, read_write> dinp: array<element>;

override FORM: u32;
const ERF: u32 = 0u;
const TANH: u32 = 1u;

/// exp(-v^2 / 2), clamped at 1e-35.
fn bell(value: element) -> element {
  return exp(-min(0.5 * value * value, element(80.0)));
}

/// The normal distribution's cumulative function.
fn normal_cdf(value: element) -> element {
  let t = 1.0 / (1.0 + 0.3275911 * 0.70710678 * abs(value));
  let series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let upper_tail = 0.5 * series * bell(value);
  return select(upper_tail, 1.0 - upper_tail, value > element());
}

/// The argument of the sigmoid in the TANH and QUICK forms.
fn exponent(value: element) -> element {
  if (FORM == TANH) {
    return 1.5957691 * (value + 0.044715 * value * value * value);
  }
  return 1.702 * value;
}

fn exponent_derivative(value: element) -> element {
  if (FORM == TANH) {
    return 1.5957691 * (1.0 + 3.0 * 0.044715 * value * value);
  }
  return element(1.702);
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn forward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, params.size / ELEMENT_WIDTH);
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    let value = x[i];
    if (FORM == ERF) {
      y[i] = value * normal_cdf(value);
    } else {
      y[i] = value * sigmoid(exponent(value)).value;
    }
  }
}

@compute @workgroup_size(FLAT_WORKGROUP)
fn backward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let start = flat_first(workgroup.x + params.group_offset.x, local);
  let stop = flat_end(start, params.size / ELEMENT_WIDTH);
  for (var i = start; i < stop; i += FLAT_WORKGROUP) {
    let value = x[i];
    if (FORM == ERF) {
      dinp[i] = dout[i] * (normal_cdf(value) + 0.39894228 * value * bell(value));
    } else {
      let s = sigmoid(exponent(value));
      dinp[i] = dout[i] * (s.value + value * s.slope * exponent_derivative(value));
    }
  }
}
