import {
  appendFileSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { byImage } from '../data/by-image.ts'
import { readScored } from '../data/candidates.ts'
import { DataError } from '../data/data-error.ts'
import { relativePath } from '../data/paths.ts'
import { Funnel } from '../method/funnel.ts'
import { HandEditing } from '../method/hand-editing.ts'
import { pairRow } from '../method/pair-row.ts'
import { pairSettingsOfRound } from '../method/pair-settings.ts'
import { pairsOfImage } from '../method/pairs.ts'
import { fileSource } from './file-source.ts'
import { expectFile, expectFolder } from './paths.ts'
import { ProgressLine, printable } from './progress.ts'
import { DEFAULT_RECIPE, readRecipe } from './recipe-file.ts'
import type { PairRequest } from './requests.ts'
import { funnelLines } from './run-report.ts'

/**
 * Makes preference pairs of scored candidates, picture by picture, and puts the pictures they are about beside them.
 * @throws {UsageError} when what the command names is missing or wrong. @throws {DataError} when a line or a picture is.
 */
export async function pairFiles({
  data,
  images,
  recipe = DEFAULT_RECIPE,
  round,
  ...request
}: PairRequest): Promise<void> {
  const { pair, seed } = readRecipe(recipe).parsed
  const settings = pairSettingsOfRound(pair, round, seed)
  expectFile('--data', data)
  if (images !== undefined) expectFolder('--images', images)
  const out = resolve(request.out)
  mkdirSync(out, { recursive: true })
  const source = await fileSource(data)
  const places = [dirname(resolve(data)), ...(images === undefined ? [] : [resolve(images)])]
  const [path, partial] = [join(out, 'pairs.jsonl'), join(out, 'pairs.jsonl.partial')]
  const line = new ProgressLine(process.stderr)
  const funnel = new Funnel()
  const editing = new HandEditing(settings.edits)
  let pictures = 0
  let pairs = 0
  try {
    writeFileSync(partial, '')
    for await (const own of byImage(() => readScored(source))) {
      const [first] = own
      const made = pairsOfImage(own, settings, funnel, () => first?.imageText, editing)
      if (first && made.length > 0) placePicture(first, places, out)
      appendFileSync(partial, made.map((pair) => `${JSON.stringify(pairRow(pair))}\n`).join(''))
      pairs += made.length
      line.show('pair', `${++pictures} pictures, ${pairs} pairs`)
    }
    renameSync(partial, path)
  } finally {
    rmSync(partial, { force: true })
    line.end()
  }
  const { steps } = funnel
  const { unmatched } = editing
  const told = { round, steps, ...(unmatched.length > 0 ? { unmatchedEdits: unmatched } : {}) }
  writeFileSync(join(out, 'funnel.json'), `${JSON.stringify([told], null, 2)}\n`)
  const lines = [...funnelLines(steps, unmatched), `wrote ${path}: ${pairs} pairs of ${pictures} pictures`]
  process.stdout.write(`${printable(lines.join('\n'))}\n`)
}

/** Puts a picture where the pairs say it is, as a link to the same bytes where the disk allows it. */
function placePicture(
  { image, imageHash }: { readonly image: string; readonly imageHash: string },
  places: readonly string[],
  out: string,
): void {
  const target = join(out, 'images', imageHash)
  if (existsSync(target)) return
  const name = relativePath(image)
  const candidates = [join('images', imageHash), ...(name === undefined ? [] : [name])]
  const found = candidates
    .flatMap((path) => places.map((place) => join(place, path)))
    .find((path) => existsSync(path))
  if (found === undefined) {
    throw new DataError(
      `${image}: expected the picture as images/${imageHash} beside the file, or by its name in --images, found neither`,
    )
  }
  mkdirSync(dirname(target), { recursive: true })
  try {
    linkSync(found, target)
  } catch {
    copyFileSync(found, target) // another disk, or one without links
  }
}
