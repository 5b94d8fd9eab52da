// Starts command.ts through Vite, because Node below 22.18 does not run TypeScript by itself.
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

const { module } = await runnerImport(fileURLToPath(new URL('command.ts', import.meta.url)))
process.exitCode = await module.main(process.argv.slice(2))
