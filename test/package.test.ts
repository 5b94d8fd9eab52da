import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { provideBrowser } from '../src/cli/browser.ts'
import { browserLaunch } from '../src/cli/launch.ts'
import { serveSite } from '../src/cli/server.ts'

let folder: string
const installed = (): string => join(folder, 'node_modules', 'clip-dpo')

/** Packs the package as it would be published, and unpacks it where a stranger's project would have it. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'package-'))
  execFileSync('npm', ['pack', '--pack-destination', folder], { stdio: 'pipe' })
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  mkdirSync(installed(), { recursive: true })
  execFileSync('tar', ['-xzf', join(folder, archive ?? ''), '-C', installed(), '--strip-components=1'])
}, 600_000)

afterAll(() => rmSync(folder, { recursive: true }))

function write(name: string, source: string): string {
  writeFileSync(join(folder, name), source)
  return join(folder, name)
}

describe('the packed package', { timeout: 300_000 }, () => {
  test('is imported by name in Node', () => {
    const script = write(
      'use.mjs',
      `import { openPolicy } from 'clip-dpo'
       import { sentenceEnd } from 'clip-dpo/method'
       import { parseLoraConfig } from 'clip-dpo/data'
       import { amberScores } from 'clip-dpo/evaluate'
       console.log(JSON.stringify([typeof openPolicy, sentenceEnd('A dog. It'), parseLoraConfig({ r: 4 }).r, typeof amberScores]))`,
    )
    const printed = execFileSync(process.execPath, [script], { encoding: 'utf8' })
    expect(JSON.parse(printed)).toEqual(['function', 6, 4, 'function'])
  })

  test('has types', () => {
    const program = `import { openPolicy, type Answer, type GenerateJob } from 'clip-dpo'
import { parseTrainerConfig } from 'clip-dpo/method'
import { readPreferences } from 'clip-dpo/data'
export async function ask(job: GenerateJob): Promise<readonly Answer[]> {
  const policy = openPolicy()
  const answers = await policy.generate(job)
  const tokens: readonly number[] = answers[0]?.tokens ?? []
  return tokens.length > parseTrainerConfig({}).per_device_train_batch_size ? answers : []
}
export const pairs = readPreferences({ name: 'rows', rows: [] })
`
    const settings = { module: 'esnext', moduleResolution: 'bundler', strict: true, noEmit: true }
    const compilerOptions = {
      ...settings,
      target: 'es2023',
      lib: ['es2024', 'dom'],
      types: [],
      skipLibCheck: true,
    }
    write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['use.ts'] }))
    const check = (source: string): string => {
      write('use.ts', source)
      try {
        return execFileSync(resolve('node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' })
      } catch (error) {
        return (error as { stdout: string }).stdout
      }
    }
    expect(check(program)).toBe('')
    expect(check(program.replace('.tokens', '.tokenz'))).toContain("'tokenz' does not exist")
  })

  test('opens its worker in a browser, from files served as they are', async () => {
    const server = await serveSite(join(installed(), 'dist', 'lib'))
    const browser = await chromium.launch(browserLaunch(provideBrowser()))
    try {
      const page = await browser.newPage()
      await page.goto(`${server.url}index.js`) // any document of that origin
      // As text, since a function would go through the test runner's own way of importing.
      const message = await page.evaluate(`import('/index.js').then(({ openPolicy }) =>
        openPolicy().renderPrompt('a').catch(String))`)
      expect(message).toBe('Error: expected a model to be loaded first')
    } finally {
      await browser.close()
      await server.close()
    }
  })

  test('installed from its tarball it asks the doctor and runs a recipe', async () => {
    const home = join(folder, 'home')
    mkdirSync(home)
    writeFileSync(join(home, 'package.json'), JSON.stringify({ name: 'stranger', private: true }))
    const archive = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? ''
    const options = { cwd: home, encoding: 'utf8', stdio: 'pipe' } as const
    execFileSync('npm', ['install', join(folder, archive), '--no-audit', '--no-fund'], options)
    const program = join(home, 'node_modules', '.bin', 'clip-dpo')
    const doctor = JSON.parse(execFileSync(program, ['doctor', '--json'], options)) as { gpu: string }
    expect(['software', 'hardware']).toContain(doctor.gpu)
    execFileSync(program, ['run', 'recipes/tiny.json', '--out', 'tiny'], options)
    const summary = JSON.parse(readFileSync(join(home, 'tiny', 'summary.json'), 'utf8')) as { steps: number }
    expect(summary.steps).toBe(4)
  })
})
