import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'vite'
import type { SiteFile } from './src/offline/site-file.ts'

const WORKER = fileURLToPath(new URL('src/offline/service-worker.ts', import.meta.url))
/** Vite's names for what it builds hold a hash of the content. */
const HASHED = /^assets\//

/**
 * Adds `service-worker.js` to the site, with a list of all its files however large (ONNX Runtime's WASM has 14 MB): whatever
 * was left out would be missing without network.
 * @param leftOut names of files that the page never asks for.
 */
export function offline(leftOut: readonly string[]): Plugin {
  return {
    name: 'offline',
    apply: 'build',
    enforce: 'post',
    applyToEnvironment: ({ name }) => name === 'client',
    generateBundle: {
      order: 'post',
      async handler(_options, bundle) {
        const built = Object.values(bundle).map((file) =>
          listed(file.fileName, file.type === 'chunk' ? file.code : file.source),
        )
        const { publicDir } = this.environment.config
        const copied = filesBelow(publicDir).map((name) => listed(name, readFileSync(join(publicDir, name))))
        const files = [...built, ...copied].filter(({ url }) => !leftOut.includes(url)).sort(shellFirst)
        this.emitFile({ type: 'asset', fileName: 'service-worker.js', source: await bundled(files) })
      },
    },
  }
}

function listed(name: string, content: string | Uint8Array): SiteFile {
  const revision = HASHED.test(name) ? null : createHash('sha256').update(content).digest('hex').slice(0, 16)
  return { url: name === 'index.html' ? './' : name, revision }
}

/** The page and its code before models and data. */
function shellFirst(a: SiteFile, b: SiteFile): number {
  const order = ({ url }: SiteFile): number => (url === './' ? 0 : HASHED.test(url) ? 1 : 2)
  return order(a) - order(b) || (a.url < b.url ? -1 : 1)
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
}

/** One classic script, which every browser takes as a service worker. */
async function bundled(files: readonly SiteFile[]): Promise<string> {
  const made = await build({
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    define: { SITE_FILES: JSON.stringify(files), 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      target: 'es2023',
      rolldownOptions: { input: WORKER, output: { format: 'iife' } },
    },
  })
  const [output] = [made].flat()
  if (!output || !('output' in output)) throw new Error('service worker: expected a built script, got none')
  return output.output[0].code
}
