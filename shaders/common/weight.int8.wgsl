// A weight matrix (rows, cols) in int8, four to a u32 (lowest byte first), its rows padded to multiples of 32 elements,
// with one scale for each group of 32 along a row: element = int8 * scale.
// Same functions in every weight.*.wgsl; weight_scale comes from weight.scale.*.wgsl.
// quads: groups of 4 elements in a padded row.

@group(0) @binding(20) var<storage, read> weight_data: array<u32>;

/// Elements 4 * quad .. 4 * quad + 3 of a row.
fn weight_vec4(row: u32, quad: u32, quads: u32) -> vec4<f32> {
  let at = row * quads + quad;
  let bytes = vec4<i32>(vec4<u32>(weight_data[at]) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u);
  return vec4<f32>(bytes) * weight_scale(at / 8u);
}

/// One element of a row.
fn weight_at(row: u32, col: u32, quads: u32) -> f32 {
  return weight_vec4(row, col / 4u, quads)[col % 4u];
}
