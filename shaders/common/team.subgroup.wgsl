// A team is the set of invocations that work on one row together: here, one subgroup.
// The functions are those of team.workgroup.wgsl; a shader written against them runs with either file in front.

const TEAM_WORKGROUP: u32 = 64u;

fn team_size() -> u32 {
  return subgroupAdd(1u);
}

fn team_lane(local_index: u32) -> u32 {
  return subgroupExclusiveAdd(1u);
}

/// Which of the workgroup's teams this is, of team_count().
fn team_id(local_index: u32) -> u32 {
  return local_index / team_size();
}

fn team_count() -> u32 {
  return TEAM_WORKGROUP / team_size();
}

fn team_sum(value: f32, local_index: u32) -> f32 {
  return subgroupAdd(value);
}

fn team_max(value: f32, local_index: u32) -> f32 {
  return subgroupMax(value);
}

fn team_sum4(value: vec4<f32>, local_index: u32) -> vec4<f32> {
  return subgroupAdd(value);
}
