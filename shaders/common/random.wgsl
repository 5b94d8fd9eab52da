// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a counter-based generator.
// The same key and counter give the same four words anywhere, so a number needs no state and no order.
// Its twin in TypeScript is src/kernels/random.ts.

/// The 64-bit product of two words: (low, high).
fn multiply_wide(a: u32, b: u32) -> vec2<u32> {
  let a_low = a & 0xffffu;
  let a_high = a >> 16u;
  let b_low = b & 0xffffu;
  let b_high = b >> 16u;
  let low = a_low * b_low;
  let middle = a_high * b_low + (low >> 16u);
  let carried = a_low * b_high + (middle & 0xffffu);
  return vec2(a * b, a_high * b_high + (middle >> 16u) + (carried >> 16u));
}

fn philox4x32(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let p0 = multiply_wide(0xd2511f53u, c.x);
    let p1 = multiply_wide(0xcd9e8d57u, c.z);
    c = vec4(p1.y ^ c.y ^ k.x, p1.x, p0.y ^ c.w ^ k.y, p0.x);
    k += vec2(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

/// A number in [0, 1), a multiple of 2^-24: the word's upper 24 bits.
fn uniform_of(word: u32) -> f32 {
  return f32(word >> 8u) * 0x1p-24;
}
