// An element is what one invocation reads at a time: here, one number, for rows of any length.
// The names are those of element.vec4.wgsl; a shader written against them runs with either file in front.

alias element = f32;
const ELEMENT_WIDTH: u32 = 1u;

/// The sum of an element's numbers.
fn element_sum(value: element) -> f32 {
  return value;
}

fn element_max(value: element) -> f32 {
  return value;
}
