import { parseArgs } from 'node:util'

/** A command line that cannot be understood; the message says what was expected. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What a command line asks for. */
export type Request =
  | { command: 'help' }
  | { command: 'version' }
  | { command: 'doctor'; json: boolean }
  | { command: 'serve'; port: number }

export const USAGE = `Usage: clip-dpo COMMAND

  doctor [--json]      Say what WebGPU offers in a headless browser on this machine.
  serve [--port N]     Serve the page to this machine. Default port 4173.

  --help, --version

Exit codes: 0 done, 1 failed (doctor: no usable WebGPU), 2 wrong usage.
CHROME_PATH names the browser to use; without it an installed Chrome, Chromium or Edge is found, or one is installed.`

/**
 * Understands a command line, without program name.
 * @throws {UsageError} for an unknown command or option, or a value that does not fit.
 */
export function parseRequest(args: readonly string[]): Request {
  const [command, ...rest] = args
  if (command === undefined) throw new UsageError('expected a command, got none')
  switch (command) {
    case '--help':
    case '-h':
    case 'help':
      return { command: 'help' }
    case '--version':
      return { command: 'version' }
    case 'doctor': {
      const { json } = parse(rest, { json: { type: 'boolean' } })
      return { command, json: json === true }
    }
    case 'serve': {
      const { port } = parse(rest, { port: { type: 'string' } })
      return { command, port: port === undefined ? 4173 : portOf(String(port)) }
    }
    default:
      throw new UsageError(`unknown command ${command}`)
  }
}

type Options = Record<string, { type: 'boolean' | 'string' }>

function parse(args: string[], options: Options): Record<string, string | boolean | undefined> {
  try {
    return { ...parseArgs({ args, options, allowPositionals: false }).values }
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause })
  }
}

function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw new UsageError(`--port: expected 0 to 65535, got ${text}`)
  return port
}
