// Attention on registers alone: the owned rows of an invocation, and the blocks of keys it walks over.
// An invocation owns four rows as the columns of 4x4 matrices and walks over the other side in blocks of 16 rows,
// four rows to a matrix: a product of two such matrices is 64 multiply-adds for 8 loads, fewer where a quad shares them.

const WORKGROUP: u32 = 32u;
const BLOCK: u32 = 16u;

/// Four virtual rows of one key head.
struct Owned {
  token: vec4<u32>,
  head: vec4<u32>,
  /// Where each begins in q, out, dout and dq, in vec4.
  at: vec4<u32>,
  /// Rows past the end are not live: they repeat the last row, see nothing and are not stored.
  live: vec4<bool>,
}

fn own_rows(first: u32, kv_head: u32) -> Owned {
  let size = group_size();
  let virtual_row = vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u);
  let last = params.query_rows * size - 1u;
  let row = min(virtual_row, vec4<u32>(last));
  let token = row / size;
  let head = kv_head * size + row % size;
  let at = (token * params.num_heads + head) * CHUNKS;
  return Owned(token, head, at, virtual_row <= vec4<u32>(last));
}

fn own_q(own: Owned, c: u32) -> mat4x4<f32> {
  return mat4x4<f32>(q[own.at.x + c], q[own.at.y + c], q[own.at.z + c], q[own.at.w + c]);
}

/// The intervals of keys the owned rows still have to walk over; a row begins at NONE when it has none left.
struct Spans {
  starts: vec4<u32>,
  stops: vec4<u32>,
}

/// One bound of the owned rows' intervals: prefixStart, prefixEnd, ownStart, ownEnd.
fn own_bounds(own: Owned, bound: u32) -> vec4<u32> {
  return vec4<u32>(
    ranges[own.token.x][bound],
    ranges[own.token.y][bound],
    ranges[own.token.z][bound],
    ranges[own.token.w][bound],
  );
}

/// The prefixes (side 0) or own segments (side 1) the owned rows see.
fn own_spans(own: Owned, side: u32) -> Spans {
  let starts = own_bounds(own, 2u * side);
  let stops = own_bounds(own, 2u * side + 1u);
  return Spans(select(vec4<u32>(NONE), starts, own.live & (starts < stops)), stops);
}

/// Keys that rows which begin together walk over together.
struct Run {
  /// The first key; NONE when all is done.
  origin: u32,
  /// Past the last key any row of the quad sees.
  to: u32,
  /// Past the last key each owned row sees; 0 for rows that begin elsewhere.
  ends: vec4<u32>,
}

/// The next run of the whole quad, taken out of what is left.
fn next_run(left: ptr<function, Spans>) -> Run {
  let origin = quad_min(smallest((*left).starts));
  let now = (*left).starts == vec4<u32>(origin);
  let ends = select(vec4<u32>(), (*left).stops, now);
  (*left).starts = select((*left).starts, vec4<u32>(NONE), now);
  return Run(origin, quad_max(largest(ends)), ends);
}

/// Where sixteen rows of the other side begin, four to a vector, in vec4; a quad's member begins with its own row.
struct Rows {
  r0: vec4<u32>,
  r1: vec4<u32>,
  r2: vec4<u32>,
  r3: vec4<u32>,
}

/// Four rows of k and v from `first` on; rows from `to` on repeat the last, since what lies there may be no number.
fn key_rows_at(first: u32, lane: u32, to: u32, kv_head: u32) -> vec4<u32> {
  let row = min(vec4<u32>(first) + vec4<u32>(lane) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(to - 1u));
  return (row * params.num_kv_heads + kv_head) * CHUNKS;
}

fn key_block(first: u32, lane: u32, to: u32, kv_head: u32) -> Rows {
  return Rows(
    key_rows_at(first, lane, to, kv_head),
    key_rows_at(first + 4u, lane, to, kv_head),
    key_rows_at(first + 8u, lane, to, kv_head),
    key_rows_at(first + 12u, lane, to, kv_head),
  );
}

fn k_columns(at: vec4<u32>, c: u32) -> mat4x4<f32> {
  if (QUAD_SHARES) {
    return quad_columns(k[at.x + c]);
  }
  return mat4x4<f32>(k[at.x + c], k[at.y + c], k[at.z + c], k[at.w + c]);
}

fn v_columns(at: vec4<u32>, c: u32) -> mat4x4<f32> {
  if (QUAD_SHARES) {
    return quad_columns(v[at.x + c]);
  }
  return mat4x4<f32>(v[at.x + c], v[at.y + c], v[at.z + c], v[at.w + c]);
}

/// Chunk c of sixteen rows of k, a row a column.
fn k_block(rows: Rows, c: u32) -> Block {
  return Block(k_columns(rows.r0, c), k_columns(rows.r1, c), k_columns(rows.r2, c), k_columns(rows.r3, c));
}

fn v_block(rows: Rows, c: u32) -> Block {
  return Block(v_columns(rows.r0, c), v_columns(rows.r1, c), v_columns(rows.r2, c), v_columns(rows.r3, c));
}

fn masked_columns(s: mat4x4<f32>, first: u32, ends: vec4<u32>) -> mat4x4<f32> {
  let key = vec4<u32>(first) + vec4<u32>(0u, 1u, 2u, 3u);
  let none = vec4<f32>(MASKED);
  return mat4x4<f32>(
    select(none, s[0] * params.scale, key < vec4<u32>(ends.x)),
    select(none, s[1] * params.scale, key < vec4<u32>(ends.y)),
    select(none, s[2] * params.scale, key < vec4<u32>(ends.z)),
    select(none, s[3] * params.scale, key < vec4<u32>(ends.w)),
  );
}

/// Scaled scores of sixteen keys from `first` on (rows) by owned row (columns), masked from each owned row's end on.
fn masked(s: Block, first: u32, ends: vec4<u32>) -> Block {
  return Block(
    masked_columns(s.m0, first, ends),
    masked_columns(s.m1, first + 4u, ends),
    masked_columns(s.m2, first + 8u, ends),
    masked_columns(s.m3, first + 12u, ends),
  );
}
