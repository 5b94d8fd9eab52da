// Blocks of four rows by four columns as matrices: sums in a fixed order, and elementwise steps of attention.

fn largest(x: vec4<u32>) -> u32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

fn smallest(x: vec4<u32>) -> u32 {
  return min(min(x.x, x.y), min(x.z, x.w));
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

/// exp(s - shift), each column with its own shift.
fn exp_columns(s: mat4x4<f32>, shift: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(exp(s[0] - shift.x), exp(s[1] - shift.y), exp(s[2] - shift.z), exp(s[3] - shift.w));
}

fn column_max(start: vec4<f32>, s: mat4x4<f32>) -> vec4<f32> {
  let t = transpose(s);
  return max(start, max(max(t[0], t[1]), max(t[2], t[3])));
}

fn column_sum(start: vec4<f32>, s: mat4x4<f32>) -> vec4<f32> {
  let t = transpose(s);
  return start + t[0] + t[1] + t[2] + t[3];
}

/// p * (dp - delta), the gradient of scores with probabilities p; each column has its own delta.
fn column_gradient(p: mat4x4<f32>, dp: mat4x4<f32>, delta: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    p[0] * (dp[0] - delta.x),
    p[1] * (dp[1] - delta.y),
    p[2] * (dp[2] - delta.z),
    p[3] * (dp[3] - delta.w),
  );
}

/// p * (dp - delta), each row with its own delta.
fn row_gradient(p: mat4x4<f32>, dp: mat4x4<f32>, delta: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(p[0] * (dp[0] - delta), p[1] * (dp[1] - delta), p[2] * (dp[2] - delta), p[3] * (dp[3] - delta));
}
