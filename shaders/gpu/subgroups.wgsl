// Where each invocation of a workgroup finds itself in its subgroup and quad, as common/team.subgroup.wgsl,
// common/quad.subgroup.wgsl and matmul.quads.wgsl ask for it. WGSL leaves open which invocations form a subgroup.
// seen: (groups, 64, 3) vec4s, one row an invocation:
//   (team size, team lane, least member, greatest member), (lane in the quad, swapped along x, along y, diagonally),
//   (the four members of the quad)
// where members are told by their local_invocation_index. A workgroup of 64 fills a row an invocation.

@group(0) @binding(0) var<storage, read_write> seen: array<vec4<u32>>;

@compute @workgroup_size(TEAM_WORKGROUP)
fn probe(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) subgroup_invocation: u32,
) {
  let row = 3u * (workgroup.x * TEAM_WORKGROUP + local);
  seen[row] = vec4<u32>(team_size(), team_lane(local), subgroupMin(local), subgroupMax(local));
  seen[row + 1u] =
    vec4<u32>(subgroup_invocation % 4u, quadSwapX(local), quadSwapY(local), quadSwapDiagonal(local));
  let members = quad_columns(vec4<f32>(f32(local)));
  seen[row + 2u] = vec4<u32>(u32(members[0].x), u32(members[1].x), u32(members[2].x), u32(members[3].x));
}
