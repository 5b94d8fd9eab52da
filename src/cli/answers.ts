import { appendFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { writingUse } from '../pipeline/expected-use.ts'
import type { Answer } from '../pipeline/headless.ts'
import { withHeadless } from './headless.ts'
import { InOrder } from './in-order.ts'
import { type LocalSources, localSources } from './local-sources.ts'
import { loadOptions, showLoading } from './model-progress.ts'
import { expectFile, expectFolder } from './paths.ts'
import { Pace, ProgressLine } from './progress.ts'
import type { GenerateRequest, LogpsRequest } from './requests.ts'

/** Where JSON lines go: a file, written anew, or standard output. */
function lineWriter(path: string | undefined): (row: unknown) => void {
  if (path === undefined) return (row) => process.stdout.write(`${JSON.stringify(row)}\n`)
  writeFileSync(path, '')
  return (row) => appendFileSync(path, `${JSON.stringify(row)}\n`)
}

interface Shared {
  readonly model: string
  readonly adapter?: string
}

/** Model and adapter, and their folders to share. @throws {UsageError} when there is none. */
function modelFolders({ model, adapter }: Shared): { local: LocalSources; read: Record<string, string> } {
  const local = localSources({ models: [model], base: process.cwd() })
  if (adapter !== undefined) expectFolder('--adapter', adapter)
  return { local, read: { ...local.folders, ...(adapter === undefined ? {} : { adapter }) } }
}

/**
 * Writes answers about images in a headless browser, as they end: a JSON line each with `image, imageHash, prompt, promptId, generator,
 * candidate, seed, text, numTokens, finishReason`.
 * @throws {UsageError} when files the command names are missing.
 */
export async function generateHeadless(request: GenerateRequest): Promise<void> {
  const { images, prompt, candidates, seed, temperature, topP, maxNewTokens, adapter } = request
  const { local, read } = modelFolders(request)
  for (const [i, image] of images.entries()) {
    expectFile('--image', image)
    read[`image${i}`] = dirname(resolve(image))
  }
  const line = new ProgressLine(process.stderr)
  const pace = new Pace(0)
  const write = lineWriter(request.out)
  const generator = basename(resolve(request.model))
  const lines = new InOrder<Answer>((answer) =>
    write({
      image: images[answer.request],
      imageHash: answer.imageHashes[0],
      prompt,
      promptId: 'p0',
      generator,
      candidate: answer.candidate,
      seed,
      text: answer.text,
      numTokens: answer.tokens.length,
      finishReason: answer.finishReason,
    }),
  )
  await withHeadless(
    { read },
    (event) => {
      if (event.kind === 'answer') {
        const { answer } = event
        lines.add(answer.request * candidates + answer.candidate, answer)
        return
      }
      if (event.kind !== 'answers') return showLoading(line, event)
      const rate = pace.after(event.tokens)?.rate
      line.show(
        'answers',
        `${event.tokens} tokens${rate ? `, ${rate.toPrecision(3)} a second since the start` : ''}`,
      )
    },
    (session) =>
      session.call('generate', {
        model: request.model,
        sources: local.sources(session),
        load: { ...loadOptions(request), use: writingUse([prompt], candidates, maxNewTokens, images.length) },
        ...(adapter === undefined ? {} : { adapter: { url: session.url('adapter') } }),
        job: {
          requests: images.map((image, i) => ({
            images: [{ url: session.url(`image${i}`, basename(image)) }],
            prompt,
            candidates,
            seed,
          })),
          temperature,
          topP,
          maxNewTokens,
        },
      }),
  )
  line.end()
}

/**
 * Measures a dataset's completions in a headless browser: each row again, with `logp, numTokens, tokenLogps`.
 * @throws {UsageError} when files the command names are missing.
 */
export async function logpsHeadless(request: LogpsRequest): Promise<void> {
  const { data, adapter } = request
  const { local, read } = modelFolders(request)
  read.data = dirname(resolve(data))
  expectFile('--data', data)
  const line = new ProgressLine(process.stderr)
  const write = lineWriter(request.out)
  let done = 0
  await withHeadless(
    { read },
    (event) => {
      if (event.kind !== 'logps') return showLoading(line, event)
      const { row, ...figures } = event.result
      write({ ...row, ...figures })
      line.show('logps', `${++done} rows`)
    },
    (session) =>
      session.call('logps', {
        model: request.model,
        sources: local.sources(session),
        load: loadOptions(request),
        ...(adapter === undefined ? {} : { adapter: { url: session.url('adapter') } }),
        job: { data: { url: session.url('data', basename(data)) }, images: { url: session.url('data') } },
      }),
  )
  line.end()
}
