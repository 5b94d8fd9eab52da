import { type Diagnosis, formatBytes, type LimitName } from '../gpu/doctor.ts'

/** A line of the table of details. */
export interface DetailRow {
  name: string
  value: string
}

const LIMIT_NAMES: readonly (readonly [LimitName, string, 'bytes' | 'count'])[] = [
  ['maxBufferSize', 'Largest buffer', 'bytes'],
  ['maxStorageBufferBindingSize', 'Largest tensor', 'bytes'],
  ['maxComputeWorkgroupStorageSize', 'Workgroup memory', 'bytes'],
  ['maxComputeInvocationsPerWorkgroup', 'Invocations a workgroup', 'count'],
  ['maxStorageBuffersPerShaderStage', 'Buffers a kernel', 'count'],
]

/** The diagnosis as rows for people, what decides most first. */
export function detailRows(diagnosis: Diagnosis): DetailRow[] {
  const { adapter, limits, storage } = diagnosis
  const rows: DetailRow[] = []
  if (adapter) {
    const { features, subgroupSize, subgroupFault } = adapter
    rows.push(
      {
        name: 'Adapter',
        value: [adapter.vendor, adapter.architecture].filter(Boolean).join(' ') || 'not told',
      },
      { name: 'Description', value: adapter.description || 'not told by this browser' },
      { name: 'Computes', value: adapter.isSoftware ? 'in software, on the CPU' : 'in hardware, on a GPU' },
      {
        name: '16-bit arithmetic',
        value: `${diagnosis.adapterFeatures?.includes('shader-f16') ? 'offered' : 'not offered'}; the kernels need none`,
      },
      {
        name: 'Subgroups',
        value: features.subgroups
          ? `yes, of ${range(subgroupSize.min, subgroupSize.max)}`
          : `no${subgroupFault === undefined ? '' : `: ${subgroupFault}`}`,
      },
      { name: 'GPU timestamps', value: features['timestamp-query'] ? 'yes' : 'no' },
    )
  } else if (diagnosis.reason) {
    rows.push({ name: 'WebGPU', value: diagnosis.reason })
  }
  if (limits) {
    for (const [limit, name, unit] of LIMIT_NAMES) {
      rows.push({
        name,
        value: unit === 'bytes' ? formatBytes(limits[limit]) : limits[limit].toLocaleString('en'),
      })
    }
  }
  rows.push(
    { name: 'CPU threads', value: `${diagnosis.cpuThreads}` },
    { name: 'Cross-origin isolated', value: diagnosis.crossOriginIsolated ? 'yes' : 'no' },
    {
      name: 'Storage',
      value: `${formatBytes(storage.usedBytes)} of ${formatBytes(storage.quotaBytes)} used, ${storage.persisted ? 'persistent' : 'not persistent'}`,
    },
    { name: 'Browser', value: diagnosis.userAgent },
  )
  return rows
}

function range(least: number, greatest: number): string {
  return least === greatest ? `${least}` : `${least} to ${greatest}`
}
