// Transpose of a matrix: y[c, r] = x[r, c]. x: (rows, cols), y: (cols, rows).         assigned
//
// A workgroup does a tile of 32 x 32, an invocation a square of 4 x 4 held in registers: it reads four runs along
// the rows of x and writes four along the rows of y. Invocations lie 8 x 8, so that both sides move whole 128-byte runs.
// forward moves vec4s, for rows and cols that are multiples of 4; forward_ragged single numbers, for any.
// The gradient of a transpose is the transpose of dout.

struct Params {
  group_offset: vec3<u32>,
  rows: u32,
  cols: u32,
}

@group(1) @binding(0) var<uniform> params: Params;
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> x_ragged: array<f32>;
@group(0) @binding(3) var<storage, read_write> y_ragged: array<f32>;

const TILE: u32 = 32u;

/// The first row and column of an invocation's square.
fn corner(workgroup: vec3<u32>, local: u32) -> vec2<u32> {
  let group = workgroup + params.group_offset;
  return vec2(group.y * TILE + local / 8u * 4u, group.x * TILE + local % 8u * 4u);
}

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let at = corner(workgroup, local);
  if (at.x >= params.rows || at.y >= params.cols) {
    return;
  }
  let x_stride = params.cols / 4u;
  let x_first = at.x * x_stride + at.y / 4u;
  let square = transpose(mat4x4<f32>(
    x[x_first],
    x[x_first + x_stride],
    x[x_first + 2u * x_stride],
    x[x_first + 3u * x_stride],
  ));
  let y_stride = params.rows / 4u;
  let y_first = at.y * y_stride + at.x / 4u;
  y[y_first] = square[0];
  y[y_first + y_stride] = square[1];
  y[y_first + 2u * y_stride] = square[2];
  y[y_first + 3u * y_stride] = square[3];
}

@compute @workgroup_size(64)
fn forward_ragged(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let at = corner(workgroup, local);
  let row_end = min(at.x + 4u, params.rows);
  let col_end = min(at.y + 4u, params.cols);
  for (var c = at.y; c < col_end; c++) {
    for (var r = at.x; r < row_end; r++) {
      y_ragged[c * params.rows + r] = x_ragged[r * params.cols + c];
    }
  }
}
