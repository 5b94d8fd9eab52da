// An element is what one invocation reads at a time: here, four numbers, for rows that are whole vec4s.
// The names are those of element.scalar.wgsl; a shader written against them runs with either file in front.

alias element = vec4<f32>;
const ELEMENT_WIDTH: u32 = 4u;

/// The sum of an element's numbers.
fn element_sum(value: element) -> f32 {
  return (value.x + value.y) + (value.z + value.w);
}

fn element_max(value: element) -> f32 {
  return max(max(value.x, value.y), max(value.z, value.w));
}
