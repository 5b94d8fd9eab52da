// CLIPScore's core (Hessel et al. 2021): score = scale * (image / |image|) . (text / |text|), 0 where either is zero.
// images: (I, D); texts: (N, D). Numbers are read by the element (common/element.*.wgsl).
//
// norms     out[row] = 1 / |rows[row]|, or 0: a workgroup does ROWS_PER_GROUP rows, one team a row (common/team.*.wgsl).
// candidates  score[n] for the texts offsets[i] <= n < offsets[i + 1] of image i: a workgroup does ROWS_PER_GROUP texts,
//           one team a text, which finds its image by bisection of the offsets.
// rank      per image: rank of each candidate (0 = best; equal scores: the lower index first), and the extremes:
//           (best, worst, gap = best - worst), zeros without candidates. A workgroup does one image.
// matrix    scores of all images and the texts of one strip [start, start + width): an invocation does 4 images x
//           4 texts, a workgroup 32 x 32. The strip of all texts is the whole (I, N) matrix.
// top       puts a strip's scores into each image's list of `count` best texts, the lower index first among equals.
//           Strips come in order; a workgroup does one image.
// means     a strip's texts' mean scores over all images, added in order: one invocation a text.

struct Params {
  group_offset: vec3<u32>,
  images: u32,
  texts: u32,
  elements: u32, // D / ELEMENT_WIDTH
  start: u32,
  width: u32,
  listed: u32, // texts in the lists so far
  count: u32,
  scale: f32,
}

override ROWS_PER_GROUP: u32 = 1u;

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> image: array<element>; // (I, D)
@group(0) @binding(1) var<storage, read> text: array<element>; // (N, D)
@group(0) @binding(2) var<storage, read> image_norm: array<f32>; // (I): 1 / |image|, or 0
@group(0) @binding(3) var<storage, read> text_norm: array<f32>; // (N): 1 / |text|, or 0
@group(0) @binding(4) var<storage, read> offsets: array<u32>; // (I + 1)
@group(0) @binding(5) var<storage, read_write> score: array<f32>; // (N)
@group(0) @binding(6) var<storage, read_write> norm: array<f32>; // (I) or (N)
@group(0) @binding(7) var<storage, read> scored: array<f32>; // (N), or a strip (I, width)
@group(0) @binding(8) var<storage, read_write> ranks: array<u32>; // (N)
@group(0) @binding(9) var<storage, read_write> extremes: array<f32>; // (I, 3): best, worst, gap
@group(0) @binding(10) var<storage, read_write> strip: array<f32>; // (I, width)
@group(0) @binding(11) var<storage, read_write> top_index: array<u32>; // (I, count)
@group(0) @binding(12) var<storage, read_write> top_score: array<f32>; // (I, count)
@group(0) @binding(13) var<storage, read_write> mean: array<f32>; // (N)

const GROUP: u32 = 64u;
const NONE: u32 = 0xffffffffu;
const SMALLEST: f32 = 1e-30; // a vector with no larger component counts as zero

@compute @workgroup_size(TEAM_WORKGROUP)
fn norms(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let lane = team_lane(local);
  let lanes = team_size();
  for (var i = team_id(local); i < ROWS_PER_GROUP; i += team_count()) {
    let row = (workgroup.x + params.group_offset.x) * ROWS_PER_GROUP + i;
    if (row >= params.images) {
      break;
    }
    let base = row * params.elements;
    var largest = 0.0; // divided out, so that squares neither vanish nor overflow
    for (var c = lane; c < params.elements; c += lanes) {
      largest = max(largest, element_max(abs(image[base + c])));
    }
    largest = team_max(largest, local);
    let inverse = select(0.0, 1.0 / largest, largest > SMALLEST);
    var squares = element();
    for (var c = lane; c < params.elements; c += lanes) {
      let value = image[base + c] * inverse;
      squares += value * value;
    }
    let sum = team_sum(element_sum(squares), local);
    if (lane == 0u) {
      norm[row] = select(0.0, inverse * inverseSqrt(sum), largest > SMALLEST);
    }
  }
}

@compute @workgroup_size(TEAM_WORKGROUP)
fn candidates(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let lane = team_lane(local);
  let lanes = team_size();
  for (var i = team_id(local); i < ROWS_PER_GROUP; i += team_count()) {
    let n = (workgroup.x + params.group_offset.x) * ROWS_PER_GROUP + i;
    if (n >= params.texts) {
      break;
    }
    let owner = owner_of(n);
    var products = element();
    for (var c = lane; c < params.elements; c += lanes) {
      products += image[owner * params.elements + c] * text[n * params.elements + c];
    }
    let dot = team_sum(element_sum(products), local);
    if (lane == 0u) {
      score[n] = params.scale * (dot * image_norm[owner] * text_norm[n]);
    }
  }
}

/// The image whose candidates text n is among: the last whose offset is not above n.
fn owner_of(n: u32) -> u32 {
  var low = 0u;
  var high = params.images;
  while (high - low > 1u) {
    let middle = (low + high) / 2u;
    if (offsets[middle] <= n) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

@compute @workgroup_size(64)
fn rank(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = workgroup.x + params.group_offset.x;
  let start = min(offsets[i], params.texts);
  let end = min(offsets[i + 1u], params.texts);
  if (start >= end && local < 3u) {
    extremes[3u * i + local] = 0.0;
  }
  for (var n = start + local; n < end; n += 64u) {
    let own = scored[n];
    var before = 0u;
    var highest = own;
    var lowest = own;
    for (var m = start; m < end; m++) {
      let other = scored[m];
      before += select(0u, 1u, other > own || (other == own && m < n));
      highest = max(highest, other);
      lowest = min(lowest, other);
    }
    ranks[n] = before;
    if (n == start) {
      extremes[3u * i] = highest;
      extremes[3u * i + 1u] = lowest;
      extremes[3u * i + 2u] = highest - lowest;
    }
  }
}

/// Scores of four images and four texts (a column an image), each product summed along D in order.
fn score_block(images: vec4<u32>, texts: vec4<u32>) -> mat4x4<f32> {
  let a = min(images, vec4(params.images - 1u));
  let b = min(texts, vec4(params.texts - 1u));
  let a_at = a * params.elements;
  let b_at = b * params.elements;
  var p00 = element();
  var p01 = element();
  var p02 = element();
  var p03 = element();
  var p10 = element();
  var p11 = element();
  var p12 = element();
  var p13 = element();
  var p20 = element();
  var p21 = element();
  var p22 = element();
  var p23 = element();
  var p30 = element();
  var p31 = element();
  var p32 = element();
  var p33 = element();
  for (var c = 0u; c < params.elements; c++) {
    let x0 = image[a_at.x + c];
    let x1 = image[a_at.y + c];
    let x2 = image[a_at.z + c];
    let x3 = image[a_at.w + c];
    let y0 = text[b_at.x + c];
    let y1 = text[b_at.y + c];
    let y2 = text[b_at.z + c];
    let y3 = text[b_at.w + c];
    p00 += x0 * y0;
    p01 += x0 * y1;
    p02 += x0 * y2;
    p03 += x0 * y3;
    p10 += x1 * y0;
    p11 += x1 * y1;
    p12 += x1 * y2;
    p13 += x1 * y3;
    p20 += x2 * y0;
    p21 += x2 * y1;
    p22 += x2 * y2;
    p23 += x2 * y3;
    p30 += x3 * y0;
    p31 += x3 * y1;
    p32 += x3 * y2;
    p33 += x3 * y3;
  }
  let t = vec4(text_norm[b.x], text_norm[b.y], text_norm[b.z], text_norm[b.w]);
  return mat4x4(
    params.scale * (sum4(p00, p01, p02, p03) * image_norm[a.x] * t),
    params.scale * (sum4(p10, p11, p12, p13) * image_norm[a.y] * t),
    params.scale * (sum4(p20, p21, p22, p23) * image_norm[a.z] * t),
    params.scale * (sum4(p30, p31, p32, p33) * image_norm[a.w] * t));
}

fn sum4(a: element, b: element, c: element, d: element) -> vec4<f32> {
  return vec4(element_sum(a), element_sum(b), element_sum(c), element_sum(d));
}

@compute @workgroup_size(64)
fn matrix(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = workgroup + params.group_offset;
  let images = group.y * 32u + 4u * (local / 8u) + vec4(0u, 1u, 2u, 3u);
  let texts = params.start + group.x * 32u + 4u * (local % 8u) + vec4(0u, 1u, 2u, 3u);
  let block = score_block(images, texts);
  store_scores(images.x, texts, block[0]);
  store_scores(images.y, texts, block[1]);
  store_scores(images.z, texts, block[2]);
  store_scores(images.w, texts, block[3]);
}

fn store_scores(i: u32, texts: vec4<u32>, scores: vec4<f32>) {
  if (i >= params.images) {
    return;
  }
  let places = texts - params.start;
  let at = i * params.width + places;
  if (places.x < params.width) {
    strip[at.x] = scores.x;
  }
  if (places.y < params.width) {
    strip[at.y] = scores.y;
  }
  if (places.z < params.width) {
    strip[at.z] = scores.z;
  }
  if (places.w < params.width) {
    strip[at.w] = scores.w;
  }
}

@compute @workgroup_size(GROUP)
fn top(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let i = workgroup.x + params.group_offset.x;
  var listed = Place(0u, NONE); // this invocation's share of the list so far: at most one text
  if (local < params.listed) {
    listed = Place(level_of(top_score[i * params.count + local]), top_index[i * params.count + local]);
  }
  storageBarrier();
  var own = own_next(i, listed, Place(NONE, 0u), local);
  for (var j = 0u; j < min(params.count, params.start + params.width); j++) {
    let next = group_first(own, local);
    if (local == 0u) {
      top_index[i * params.count + j] = next.id;
      top_score[i * params.count + j] = score_of(next.level);
    }
    if (own.id == next.id) {
      own = own_next(i, listed, next, local);
    }
  }
}

/// The first place after `last` among this invocation's texts.
fn own_next(i: u32, listed: Place, last: Place, local: u32) -> Place {
  var first = Place(0u, NONE);
  if (is_before(last, listed)) {
    first = listed;
  }
  for (var n = local; n < params.width; n += GROUP) {
    let place = Place(level_of(scored[i * params.width + n]), params.start + n);
    if (is_before(last, place)) {
      first = first_of(first, place);
    }
  }
  return first;
}

@compute @workgroup_size(GROUP)
fn means(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let n = (workgroup.x + params.group_offset.x) * GROUP + local;
  if (n >= params.width) {
    return;
  }
  var sum = 0.0;
  for (var i = 0u; i < params.images; i++) {
    sum += scored[i * params.width + n];
  }
  mean[params.start + n] = sum / f32(params.images);
}
