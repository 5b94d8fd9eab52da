import type { Machine } from '../../src/cli/machine.ts'

/** A computer made up for a test: files it has, commands that work, and what was done to it. */
export interface FakeMachine extends Machine {
  files: Set<string>
  commands: string[]
  lines: string[]
}

/** A bare Debian, as root, where nothing is installed and no command works, unless told otherwise. */
export function fakeMachine(
  changes: Partial<Machine> & {
    files?: readonly string[]
    /** What a command prints, or undefined when it fails. */
    outputs?: (commandLine: string, files: Set<string>) => string | undefined
  } = {},
): FakeMachine {
  const { files: given = [], outputs = () => undefined, ...rest } = changes
  const files = new Set(given)
  const commands: string[] = []
  const lines: string[] = []
  const run = (commandLine: string): string | undefined => {
    commands.push(commandLine)
    return outputs(commandLine, files)
  }
  return {
    platform: 'linux',
    env: { PATH: '/usr/local/bin:/usr/bin' },
    isRoot: true,
    distribution: 'debian',
    isExecutable: (path) => files.has(path),
    exists: (path) => files.has(path),
    playwrightPath: () => '/playwright/chromium/chrome',
    run: (command, args) => run([command, ...args].join(' ')),
    runPlaywright: (args) => run(['playwright', ...args].join(' ')),
    log: (line) => {
      lines.push(line)
    },
    files,
    commands,
    lines,
    ...rest,
  }
}
