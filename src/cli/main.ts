import { readFileSync } from 'node:fs'
import { generateHeadless, logpsHeadless } from './answers.ts'
import { describeDiagnosis, diagnoseHeadless } from './doctor.ts'
import { SITE_FOLDER } from './page.ts'
import { pairFiles } from './pair.ts'
import type { Request } from './requests.ts'
import { runHeadless } from './run.ts'
import { serveSite } from './server.ts'
import { captionHeadless, evaluateHeadless, scoreHeadless } from './stages.ts'
import { trainHeadless } from './train.ts'
import { parseRequest, USAGE } from './usage.ts'
import { UsageError } from './usage-error.ts'

const EXIT = { done: 0, failed: 1, wrongUsage: 2, stopped: 3 } as const

/** Runs one command line. @returns the process's exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let request: Request
  try {
    request = parseRequest(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`clip-dpo: ${error.message}\n\n${USAGE}\n`)
    return EXIT.wrongUsage
  }
  try {
    return await perform(request)
  } catch (error) {
    process.stderr.write(`clip-dpo: ${error instanceof Error ? error.message : String(error)}\n`)
    return error instanceof UsageError ? EXIT.wrongUsage : EXIT.failed
  }
}

async function perform(request: Request): Promise<number> {
  switch (request.command) {
    case 'help':
      process.stdout.write(`${USAGE}\n`)
      return EXIT.done
    case 'version':
      process.stdout.write(`${ownVersion()}\n`)
      return EXIT.done
    case 'doctor': {
      const diagnosis = await diagnoseHeadless()
      process.stdout.write(
        `${request.json ? JSON.stringify(diagnosis, null, 2) : describeDiagnosis(diagnosis)}\n`,
      )
      return diagnosis.verdict.level === 'blocked' ? EXIT.failed : EXIT.done
    }
    case 'serve': {
      const server = await serveSite(SITE_FOLDER, request.port)
      process.stdout.write(`clip-dpo: ${server.url} (Ctrl+C ends it)\n`)
      await new Promise<void>((resolve) => {
        process.once('SIGINT', resolve)
        process.once('SIGTERM', resolve)
      })
      await server.close()
      return EXIT.done
    }
    case 'run':
      return EXIT[await runHeadless(request)]
    case 'caption':
      return EXIT[await captionHeadless(request)]
    case 'score':
      return EXIT[await scoreHeadless(request)]
    case 'pair':
      await pairFiles(request)
      return EXIT.done
    case 'evaluate':
      return EXIT[await evaluateHeadless(request)]
    case 'train':
      return EXIT[await trainHeadless(request)]
    case 'generate':
      await generateHeadless(request)
      return EXIT.done
    case 'logps':
      await logpsHeadless(request)
      return EXIT.done
  }
}

function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}
