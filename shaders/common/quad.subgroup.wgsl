// A quad is four invocations that follow the same loop and share what they load: here, four neighbours of a subgroup.
// The names are those of quad.single.wgsl; a shader written against them runs with either file in front.
// Loop bounds must be made equal over the quad with quad_min and quad_max.

/// True when each invocation should load one of four rows and hand it round with quad_columns.
const QUAD_SHARES: bool = true;

fn quad_lane(local_index: u32) -> u32 {
  return local_index & 3u;
}

fn quad_min(value: u32) -> u32 {
  let pair = min(value, quadSwapX(value));
  return min(pair, quadSwapY(pair));
}

fn quad_max(value: u32) -> u32 {
  let pair = max(value, quadSwapX(value));
  return max(pair, quadSwapY(pair));
}

/// The values of the four invocations as columns.
fn quad_columns(value: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    quadBroadcast(value, 0u),
    quadBroadcast(value, 1u),
    quadBroadcast(value, 2u),
    quadBroadcast(value, 3u),
  );
}
