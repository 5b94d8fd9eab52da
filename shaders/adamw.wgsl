// AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101) and clipping by the global norm, as torch has them:
//   g = clip * grad
//   m += (1 - beta1) (g - m),  v = beta2 v + (1 - beta2) g^2
//   param = (1 - lr weight_decay) param - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
//   norm = sqrt(sum of grad^2 over all tensors),  clip = min(1, max_norm / (norm + 1e-6))
// param, grad, exp_avg (m), exp_avg_sq (v): (size); partials: (groups, 2); norm: (norm, clip, 1 if not finite else 0).
//
// square_sums: a workgroup adds the squares of NORM_SPAN elements of one tensor and counts what is not finite,
//   partials[first_partial + group] = (sum of squares, elements that are NaN or infinite)      assigned
// reduce_norm: one workgroup adds all partials in order; a norm that is not finite gives clip 0 assigned
// step: a workgroup updates STEP_SPAN elements; does nothing while the norm is not finite       in place

struct Params {
  group_offset: vec3<u32>,
  size: u32,
  first_partial: u32,
  max_norm: f32,
  decay: f32,
  one_minus_beta1: f32,
  beta2: f32,
  one_minus_beta2: f32,
  step_size: f32,
  inverse_sqrt_correction2: f32,
  eps: f32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> grad: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> all_partials: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> norm: array<f32>;
@group(0) @binding(4) var<storage, read> global_norm: array<f32>;
@group(0) @binding(5) var<storage, read_write> param: array<f32>;
@group(0) @binding(6) var<storage, read_write> exp_avg: array<f32>;
@group(0) @binding(7) var<storage, read_write> exp_avg_sq: array<f32>;

const WORKGROUP: u32 = 64u;
const NORM_SPAN: u32 = 4096u;
const STEP_SPAN: u32 = 1024u;

var<workgroup> lanes: array<vec2<f32>, WORKGROUP>;

/// By its bits, for a compiler may assume that no NaN occurs.
fn is_finite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

/// Sum over the workgroup, in a fixed order; valid in invocation 0.
fn workgroup_sum(value: vec2<f32>, local: u32) -> vec2<f32> {
  lanes[local] = value;
  for (var stride = WORKGROUP / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (local < stride) {
      lanes[local] += lanes[local + stride];
    }
  }
  return lanes[local];
}

@compute @workgroup_size(WORKGROUP)
fn square_sums(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.x + params.group_offset.x;
  let end = min(params.size, (group + 1u) * NORM_SPAN);
  var sum = vec2(0.0);
  for (var i = group * NORM_SPAN + local; i < end; i += WORKGROUP) {
    let g = grad[i];
    sum += vec2(g * g, select(1.0, 0.0, is_finite(g)));
  }
  sum = workgroup_sum(sum, local);
  if (local == 0u) {
    partials[params.first_partial + group] = sum;
  }
}

@compute @workgroup_size(WORKGROUP)
fn reduce_norm(@builtin(local_invocation_index) local: u32) {
  var sum = vec2(0.0);
  for (var i = local; i < params.size; i += WORKGROUP) {
    sum += all_partials[i];
  }
  sum = workgroup_sum(sum, local);
  if (local == 0u) {
    let total = sqrt(sum.x);
    let usable = sum.y == 0.0 && is_finite(total);
    norm[0] = total;
    norm[1] = select(0.0, select(1.0, min(1.0, params.max_norm / (total + 1e-6)), params.max_norm > 0.0), usable);
    norm[2] = select(1.0, 0.0, usable);
  }
}

@compute @workgroup_size(WORKGROUP)
fn step(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  if (global_norm[2] != 0.0) {
    return;
  }
  let clip = global_norm[1];
  let group = workgroup.x + params.group_offset.x;
  let end = min(params.size, (group + 1u) * STEP_SPAN);
  for (var i = group * STEP_SPAN + local; i < end; i += WORKGROUP) {
    let g = clip * grad[i];
    let m = exp_avg[i] + params.one_minus_beta1 * (g - exp_avg[i]);
    let v = params.beta2 * exp_avg_sq[i] + params.one_minus_beta2 * g * g;
    let denominator = sqrt(v) * params.inverse_sqrt_correction2 + params.eps;
    exp_avg[i] = m;
    exp_avg_sq[i] = v;
    param[i] = params.decay * param[i] - params.step_size * m / denominator;
  }
}
