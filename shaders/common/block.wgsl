// Blocks of sixteen rows by four columns, four rows a matrix: sums in a fixed order, and elementwise steps of attention.
// In a loop, begin a sum with `Block()`: SwiftShader does not clear `var sum: Block;` every time round.

struct Block {
  m0: mat4x4<f32>,
  m1: mat4x4<f32>,
  m2: mat4x4<f32>,
  m3: mat4x4<f32>,
}

fn largest(x: vec4<u32>) -> u32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

fn smallest(x: vec4<u32>) -> u32 {
  return min(min(x.x, x.y), min(x.z, x.w));
}

/// sum + dot products of sixteen rows (the columns of `rows`) with four others (the columns of x).
fn add_dots(sum: Block, rows: Block, x: mat4x4<f32>) -> Block {
  return Block(
    sum.m0 + transpose(rows.m0) * x,
    sum.m1 + transpose(rows.m1) * x,
    sum.m2 + transpose(rows.m2) * x,
    sum.m3 + transpose(rows.m3) * x,
  );
}

/// Adds m[j] * p[j] in the order of j.
fn add_columns(sum: vec4<f32>, m: mat4x4<f32>, p: vec4<f32>) -> vec4<f32> {
  return sum + m[0] * p.x + m[1] * p.y + m[2] * p.z + m[3] * p.w;
}

/// sum + m * p, each element summed in the order of m's columns.
fn add_product(sum: mat4x4<f32>, m: mat4x4<f32>, p: mat4x4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    add_columns(sum[0], m, p[0]),
    add_columns(sum[1], m, p[1]),
    add_columns(sum[2], m, p[2]),
    add_columns(sum[3], m, p[3]),
  );
}

/// sum + sixteen rows (the columns of `rows`), each times its number in each column of p, in the order of the rows.
fn add_rows(sum: mat4x4<f32>, rows: Block, p: Block) -> mat4x4<f32> {
  let a = add_product(sum, rows.m0, p.m0);
  let b = add_product(a, rows.m1, p.m1);
  let c = add_product(b, rows.m2, p.m2);
  return add_product(c, rows.m3, p.m3);
}

fn exp_columns(s: mat4x4<f32>, shift: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(exp(s[0] - shift.x), exp(s[1] - shift.y), exp(s[2] - shift.z), exp(s[3] - shift.w));
}

/// exp(s - shift), each column with its own shift.
fn block_exp(s: Block, shift: vec4<f32>) -> Block {
  return Block(
    exp_columns(s.m0, shift), exp_columns(s.m1, shift), exp_columns(s.m2, shift), exp_columns(s.m3, shift));
}

fn column_max(start: vec4<f32>, s: mat4x4<f32>) -> vec4<f32> {
  let t = transpose(s);
  return max(start, max(max(t[0], t[1]), max(t[2], t[3])));
}

fn block_max(start: vec4<f32>, s: Block) -> vec4<f32> {
  return column_max(column_max(column_max(column_max(start, s.m0), s.m1), s.m2), s.m3);
}

fn column_sum(start: vec4<f32>, s: mat4x4<f32>) -> vec4<f32> {
  let t = transpose(s);
  return start + t[0] + t[1] + t[2] + t[3];
}

fn block_sum(start: vec4<f32>, s: Block) -> vec4<f32> {
  return column_sum(column_sum(column_sum(column_sum(start, s.m0), s.m1), s.m2), s.m3);
}

fn column_gradient(p: mat4x4<f32>, dp: mat4x4<f32>, delta: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    p[0] * (dp[0] - delta.x),
    p[1] * (dp[1] - delta.y),
    p[2] * (dp[2] - delta.z),
    p[3] * (dp[3] - delta.w),
  );
}

/// p * (dp - delta), the gradient of scores with probabilities p; each column has its own delta.
fn block_gradient(p: Block, dp: Block, delta: vec4<f32>) -> Block {
  return Block(
    column_gradient(p.m0, dp.m0, delta),
    column_gradient(p.m1, dp.m1, delta),
    column_gradient(p.m2, dp.m2, delta),
    column_gradient(p.m3, dp.m3, delta),
  );
}
