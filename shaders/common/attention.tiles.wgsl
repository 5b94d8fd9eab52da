// Attention through workgroup memory: a workgroup owns 16 rows, four invocations ("lanes") to a row, and walks over the other
// side in blocks of 16 rows, which it copies into workgroup memory for all of its rows. For a block, a lane computes the
// scores of every fourth of the block's rows; what is summed over rows it holds for every fourth chunk of the columns: at most 64
// numbers, for any head size.

const ROWS: u32 = 16u;
const LANES: u32 = 4u;
const TILE: u32 = 16u;
const WORKGROUP: u32 = ROWS * LANES;
/// Rows of the block that a lane scores.
const SHARE: u32 = TILE / LANES;
/// Chunks that a lane sums, the last of which may lie past the end.
const LANE_CHUNKS: u32 = (CHUNKS + LANES - 1u) / LANES;
/// Odd, so that lanes that read one chunk of different rows read different banks.
const STRIDE: u32 = CHUNKS + 1u - CHUNKS % 2u;
const SCORE_STRIDE: u32 = TILE + 1u;

/// A block's rows of one matrix.
var<workgroup> tile: array<vec4<f32>, TILE * STRIDE>;

/// The virtual row that four lanes share; one past the end repeats the last, sees nothing and is not stored.
struct Owned {
  token: u32,
  head: u32,
  /// Where it begins in q, out, dout and dq, in vec4.
  at: u32,
  live: bool,
}

fn own_row(first: u32, local: u32, kv_head: u32) -> Owned {
  let size = group_size();
  let wanted = first + local / LANES;
  let row = min(wanted, params.query_rows * size - 1u);
  let token = row / size;
  let head = kv_head * size + row % size;
  return Owned(token, head, (token * params.num_heads + head) * CHUNKS, wanted == row);
}

/// The next interval of keys that some of the workgroup's rows have on one side (0: prefixes, 1: own segments): its first
/// key, from `least` on, or NONE; and past the last key of any row whose interval begins there.
fn next_interval(first: u32, side: u32, least: u32) -> vec2<u32> {
  let size = group_size();
  var found = vec2<u32>(NONE, 0u);
  for (var row = first; row < min(first + ROWS, params.query_rows * size); row++) {
    let span = ranges[row / size];
    let start = span[2u * side];
    let stop = span[2u * side + 1u];
    if (start < stop && start >= least && start <= found.x) {
      found = vec2<u32>(start, select(stop, max(found.y, stop), start == found.x));
    }
  }
  return found;
}

/// Past the last key of the interval beginning at `origin` that a row sees; 0 where its own begins elsewhere.
fn own_end(own: Owned, side: u32, origin: u32) -> u32 {
  let span = ranges[own.token];
  return select(0u, span[2u * side + 1u], own.live && span[2u * side] == origin);
}

/// Where a chunk of k or v lies; rows from `to` on repeat the last, since what lies there may be no number.
fn key_chunk(row: u32, c: u32, to: u32, kv_head: u32) -> u32 {
  return (min(row, to - 1u) * params.num_kv_heads + kv_head) * CHUNKS + c;
}

fn load_k(first: u32, to: u32, kv_head: u32, local: u32) {
  for (var i = local; i < TILE * CHUNKS; i += WORKGROUP) {
    tile[i / CHUNKS * STRIDE + i % CHUNKS] = k[key_chunk(first + i / CHUNKS, i % CHUNKS, to, kv_head)];
  }
}

fn load_v(first: u32, to: u32, kv_head: u32, local: u32) {
  for (var i = local; i < TILE * CHUNKS; i += WORKGROUP) {
    tile[i / CHUNKS * STRIDE + i % CHUNKS] = v[key_chunk(first + i / CHUNKS, i % CHUNKS, to, kv_head)];
  }
}
