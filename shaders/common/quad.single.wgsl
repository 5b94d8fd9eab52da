// A quad is four invocations that follow the same loop and share what they load: here, each invocation is on its own
// and loads everything itself. Neighbours then load the same addresses at the same time, which a GPU's cache serves at once.
// The names are those of quad.subgroup.wgsl; a shader written against them runs with either file in front.

/// False: an invocation loads all four rows, and never calls quad_columns.
const QUAD_SHARES: bool = false;

fn quad_lane(local_index: u32) -> u32 {
  return 0u;
}

fn quad_min(value: u32) -> u32 {
  return value;
}

fn quad_max(value: u32) -> u32 {
  return value;
}

fn quad_columns(value: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(value, value, value, value);
}
