// A team is the set of invocations that work on one row together: here, the whole workgroup.
// The functions are those of team.subgroup.wgsl; a shader written against them runs with either file in front.
// All must be called from workgroup-uniform control flow.

const TEAM_WORKGROUP: u32 = 64u;

var<workgroup> team_scratch: array<f32, TEAM_WORKGROUP>;
var<workgroup> team_scratch4: array<vec4<f32>, TEAM_WORKGROUP>;

fn team_size() -> u32 {
  return TEAM_WORKGROUP;
}

fn team_lane(local_index: u32) -> u32 {
  return local_index;
}

/// Which of the workgroup's teams this is, of team_count().
fn team_id(local_index: u32) -> u32 {
  return 0u;
}

fn team_count() -> u32 {
  return 1u;
}

fn team_sum(value: f32, local_index: u32) -> f32 {
  team_scratch[local_index] = value;
  for (var stride = TEAM_WORKGROUP / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (local_index < stride) {
      team_scratch[local_index] += team_scratch[local_index + stride];
    }
  }
  return workgroupUniformLoad(&team_scratch[0]);
}

fn team_max(value: f32, local_index: u32) -> f32 {
  team_scratch[local_index] = value;
  for (var stride = TEAM_WORKGROUP / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (local_index < stride) {
      team_scratch[local_index] = max(team_scratch[local_index], team_scratch[local_index + stride]);
    }
  }
  return workgroupUniformLoad(&team_scratch[0]);
}

fn team_sum4(value: vec4<f32>, local_index: u32) -> vec4<f32> {
  team_scratch4[local_index] = value;
  for (var stride = TEAM_WORKGROUP / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (local_index < stride) {
      team_scratch4[local_index] += team_scratch4[local_index + stride];
    }
  }
  return workgroupUniformLoad(&team_scratch4[0]);
}
