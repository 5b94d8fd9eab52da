#!/usr/bin/env node
import { existsSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('..', import.meta.url)
const built = new URL('dist/cli/main.js', root)
const SOURCES = ['src', 'shaders', 'public', 'index.html', 'headless.html', 'vite.config.ts', 'package.json']

// The published package holds dist and no sources; a checkout builds it when the sources are newer.
if (existsSync(new URL('src/', root)) && newest(SOURCES) > modified(built)) {
  process.stderr.write('clip-dpo: building ...\n')
  const { createBuilder } = await import('vite')
  const builder = await createBuilder({ root: fileURLToPath(root), logLevel: 'error' })
  for (const name of ['client', 'cli']) await builder.build(builder.environments[name])
}
const { main } = await import(built.href)
process.exitCode = await main(process.argv.slice(2))

function newest(names) {
  return Math.max(0, ...names.flatMap((name) => filesUnder(new URL(name, root)).map(modified)))
}

function filesUnder(url) {
  const stat = statSync(url, { throwIfNoEntry: false })
  if (!stat?.isDirectory()) return stat ? [url] : []
  const folder = url.href.endsWith('/') ? url : new URL(`${url.href}/`)
  return readdirSync(folder).flatMap((name) => filesUnder(new URL(name, folder)))
}

function modified(url) {
  return statSync(url, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
