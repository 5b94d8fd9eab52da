import { execFileSync } from 'node:child_process'

/** MiB of resident memory of a process and all below it, by kind: `renderer`, `gpu-process` and so on. Needs `ps`. */
export function residentOf(root: number): Map<string, number> {
  const list = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss=,args='], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  const known = new Set([root])
  const total = new Map<string, number>()
  for (const line of list.trim().split('\n')) {
    const [, pid, parent, kib, args = ''] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    if (!known.has(Number(pid)) && !known.has(Number(parent))) continue
    known.add(Number(pid))
    const kind = /--type=([\w-]+)/.exec(args)?.[1] ?? (args.includes('clip-dpo.js') ? 'node' : 'browser')
    total.set(kind, (total.get(kind) ?? 0) + Number(kib) / 1024)
  }
  return total
}
