// Rows of logits (rows, vocab) as sampling reads them, and sums of a workgroup of GROUP invocations that does one row.
// Sums run over fixed shares of a row in a fixed order.

@group(0) @binding(0) var<storage, read> logits: array<f32>; // (rows, vocab)

const HEADS: u32 = min(16u, GROUP);
const NONE: u32 = 0xffffffffu;
const LOWEST: f32 = -1e30; // stands for any lower logit
const PADDING: f32 = -3e38; // past the vocabulary; below every score

var<workgroup> lane_sums: array<mat4x4<f32>, GROUP>;
var<workgroup> head_sums: array<mat4x4<f32>, HEADS>;
var<workgroup> group_total: mat4x4<f32>;

/// Sums over the workgroup in a fixed order.
fn group_sum(value: mat4x4<f32>, local: u32) -> mat4x4<f32> {
  lane_sums[local] = value;
  workgroupBarrier();
  if (local < HEADS) {
    var sum = lane_sums[local];
    for (var i = local + HEADS; i < GROUP; i += HEADS) {
      sum += lane_sums[i];
    }
    head_sums[local] = sum;
  }
  workgroupBarrier();
  if (local == 0u) {
    var sum = head_sums[0];
    for (var i = 1u; i < HEADS; i++) {
      sum += head_sums[i];
    }
    group_total = sum;
  }
  return workgroupUniformLoad(&group_total);
}

var<workgroup> block_sums: array<f32, GROUP>;
var<workgroup> single_total: f32;

/// As group_sum, in the same order, of one number.
fn group_sum1(value: f32, local: u32) -> f32 {
  block_sums[local] = value;
  workgroupBarrier();
  if (local == 0u) {
    var total = 0.0;
    for (var head = 0u; head < HEADS; head++) {
      var sum = block_sums[head];
      for (var i = head + HEADS; i < GROUP; i += HEADS) {
        sum += block_sums[i];
      }
      total += sum;
    }
    single_total = total;
  }
  return workgroupUniformLoad(&single_total);
}

fn logit(base: u32, id: u32) -> f32 {
  return clamp(logits[base + id], LOWEST, -LOWEST);
}

/// Four logits; PADDING past the vocabulary.
fn logits_of(base: u32, quad: u32) -> vec4<f32> {
  let ids = 4u * quad + vec4(0u, 1u, 2u, 3u);
  let at = base + min(ids, vec4(params.vocab - 1u));
  let raw = clamp(vec4(logits[at.x], logits[at.y], logits[at.z], logits[at.w]), vec4(LOWEST), vec4(-LOWEST));
  return select(vec4(PADDING), raw, ids < vec4(params.vocab));
}

/// exp where it matters, zero where the sum would not notice.
fn exp_or_zero(x: vec4<f32>) -> vec4<f32> {
  return select(vec4(0.0), exp(max(x, vec4(-80.0))), x > vec4(-80.0));
}

/// log of the sum of exp(logits) over a row whose largest logit is `largest`.
fn log_sum_exp(base: u32, largest: f32, local: u32) -> f32 {
  var sum = vec4(0.0);
  for (var quad = local; quad < (params.vocab + 3u) / 4u; quad += GROUP) {
    sum += exp_or_zero(logits_of(base, quad) - largest);
  }
  return largest + log(group_sum1((sum.x + sum.y) + (sum.z + sum.w), local));
}
