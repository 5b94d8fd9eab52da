import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bin/clip-dpo.js', import.meta.url))

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/**
 * Runs the program to its end.
 * @param during is called with it whenever it says something. @param env set beside what is set here.
 */
export async function clipDpo(
  args: readonly string[],
  during: (program: ChildProcess, stderr: string) => void = () => {},
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const program = spawn(process.execPath, [PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const ended: Ended = { code: null, stdout: '', stderr: '' }
  program.stdout.on('data', (chunk) => {
    ended.stdout += chunk
  })
  program.stderr.on('data', (chunk) => {
    ended.stderr += chunk
    during(program, ended.stderr)
  })
  ended.code = await new Promise((resolve) => program.on('close', resolve))
  return ended
}

/** Runs the program until it has said something, and sends it a signal then. */
export async function clipDpoUntil(
  args: readonly string[],
  said: RegExp,
  signal: (program: ChildProcess) => void,
): Promise<Ended> {
  let isSent = false
  return await clipDpo(args, (program, stderr) => {
    if (isSent || !said.test(stderr)) return
    isSent = true
    signal(program)
  })
}

/** Ends the program and its browser at once, as a power cut does: neither has a moment to save anything. */
export function killAtOnce(program: ChildProcess): void {
  for (const pid of program.pid === undefined ? [] : [program.pid, ...below(program.pid)]) kill(pid)
}

/** Ends the pages of the program's browser at once, as a system short of memory does; the browser lives on. */
export function killPages(program: ChildProcess): void {
  killBelow(program, '--type=renderer')
}

/** Ends the program's browser, as closing its window does. */
export function killBrowser(program: ChildProcess): void {
  killBelow(program, '--remote-debugging-pipe')
}

/** @param flag of the processes to end. */
function killBelow({ pid }: ChildProcess, flag: string): void {
  for (const one of pid === undefined ? [] : below(pid))
    if (contentsOf(`/proc/${one}/cmdline`).includes(flag)) kill(one)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has ended by itself
  }
}

/** A file's contents; none of one that is gone. */
function contentsOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** The processes that a process has started, and those have; none where the system does not list them as Linux does. */
function below(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of existsSync('/proc') ? readdirSync('/proc') : []) {
    if (!/^\d+$/.test(name)) continue
    // pid (name) state parent ...; the name may hold anything
    const [, parent] = /^.*\) \S (\d+) /s.exec(contentsOf(`/proc/${name}/stat`)) ?? []
    parents.set(Number(name), Number(parent))
  }
  const children = (of: number): number[] =>
    [...parents].flatMap(([child, parent]) => (parent === of ? [child, ...children(child)] : []))
  return children(pid)
}
