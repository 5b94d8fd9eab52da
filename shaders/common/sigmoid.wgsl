// The logistic function and its derivative, from exp of a negative number only: nothing overflows, and the slope
// s * (1 - s) does not cancel where s is near 1. Needs element.*.wgsl before it.

struct Sigmoid {
  value: element,
  slope: element,
}

fn sigmoid(z: element) -> Sigmoid {
  let e = exp(-min(abs(z), element(80.0)));
  let r = 1.0 / (1.0 + e);
  return Sigmoid(select(e * r, r, z > element()), e * r * r);
}
