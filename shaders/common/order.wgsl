// An order of scored things without ties: the higher score first, of equal scores the lower id.
// Scores are compared by whole numbers that order alike, their levels.
// The shader behind it says how many invocations a workgroup has: const GROUP.

/// A place in the order: higher levels first, then lower ids.
struct Place {
  level: u32,
  id: u32,
}

var<workgroup> lane_places: array<Place, GROUP>;
var<workgroup> group_place: Place;

/// Whole numbers that order as the scores do; 0 is below all of them.
fn levels_of(scores: vec4<f32>) -> vec4<u32> {
  let bits = bitcast<vec4<u32>>(select(scores, vec4(0.0), scores == vec4(0.0))); // one zero, not two
  return select(bits | vec4(0x80000000u), ~bits, (bits >> vec4(31u)) == vec4(1u));
}

fn level_of(score: f32) -> u32 {
  return levels_of(vec4(score)).x;
}

fn score_of(level: u32) -> f32 {
  return bitcast<f32>(select(~level, level & 0x7fffffffu, (level >> 31u) == 1u));
}

fn is_before(a: Place, b: Place) -> bool {
  return a.level > b.level || (a.level == b.level && a.id < b.id);
}

fn first_of(a: Place, b: Place) -> Place {
  if (is_before(b, a)) {
    return b;
  }
  return a;
}

/// The workgroup's first place in the order.
fn group_first(value: Place, local: u32) -> Place {
  lane_places[local] = value;
  workgroupBarrier();
  if (local == 0u) {
    var first = value;
    for (var i = 1u; i < GROUP; i++) {
      first = first_of(first, lane_places[i]);
    }
    group_place = first;
  }
  return workgroupUniformLoad(&group_place);
}
