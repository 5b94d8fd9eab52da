import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bin/clip-dpo.js', import.meta.url))

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs the program to its end. @param during is called with it whenever it says something. */
export async function clipDpo(
  args: readonly string[],
  during: (program: ChildProcess, stderr: string) => void = () => {},
): Promise<Ended> {
  const program = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
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
