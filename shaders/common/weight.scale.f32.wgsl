// Scales of a quantised weight in f32, one a group, groups counted through all rows.

@group(0) @binding(21) var<storage, read> weight_scales: array<f32>;

fn weight_scale(group: u32) -> f32 {
  return weight_scales[group];
}
