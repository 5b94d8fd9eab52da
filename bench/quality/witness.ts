import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { line, rule } from './format.ts'

type Figures = Readonly<Record<'chair' | 'hal' | 'cog' | 'cover' | 'meanLength', number>>

/** Captions of one style (`tools/world/controls.py`). */
interface Captions {
  readonly base: Figures
  readonly tuned: Figures
  readonly beatsC: boolean
  readonly beatsL: boolean
}

/** One training with TRL and PEFT, as `tools/world/witness.py` writes it down. */
export interface WitnessRow {
  readonly recipe: string
  readonly seed: number
  readonly quality: { readonly pairs: number }
  /** "Describe this image." */
  readonly long: Captions
  /** "What is in this image?", one sentence, which no control can cut. */
  readonly short: Captions
  /** SHA-256 of the models' weights by model. */
  readonly weights?: Readonly<Record<string, string>>
}

/** The witness's recipes; but for `anchored` all have the plain loss. */
const RECIPES: Readonly<Record<string, string>> = {
  anchored: 'the demo: `clip`, best-worst, sigmoid + sft',
  plain: 'the paper’s plain loss: sigmoid, at half the rate',
  candidates: 'plain, 12 answers to a prompt in place of 4',
  absolute: 'plain, chosen answers with a score of at least 30',
  fclip: 'plain, `f-clip` scores',
  'sentence-scores': 'plain, `sentence` scores',
  calibrated: 'plain, calibrated `sentence` scores',
  'sentences-stop': 'plain, next sentences after a shared prefix, calibrated',
  sentences: 'the same, where stopping is no candidate',
  random: 'plain, random pairs (negative control)',
  flipped: 'plain, flipped pairs (negative control)',
}

/** The committed results on a split, `dev` or `heldout`. */
export function readWitness(split: string): WitnessRow[] {
  const path = fileURLToPath(new URL(`../../tools/world/results/witness-${split}.jsonl`, import.meta.url))
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((text) => (text === '' ? [] : (JSON.parse(text) as WitnessRow)))
}

/** Every recipe's figures, seed by seed. @throws {RangeError} where there are none, or of a recipe not known here. */
export function witnessTable(rows: readonly WitnessRow[]): string {
  const [first] = rows
  if (!first) throw new RangeError('results: expected rows of the witness, found none')
  const unknown = rows.find(({ recipe }) => !(recipe in RECIPES))
  if (unknown) throw new RangeError(`results: expected a recipe that is named here, got ${unknown.recipe}`)
  const cells = (
    figures: (of: 'long' | 'short', name: keyof Figures) => string,
    beaten: string,
  ): string[] => [
    ...(['chair', 'hal', 'cog', 'cover', 'meanLength'] as const).map((name) => figures('long', name)),
    beaten,
    ...(['chair', 'cover'] as const).map((name) => figures('short', name)),
  ]
  const head = [
    '',
    'CHAIR',
    'Hal',
    'Cog',
    'Cover',
    'words',
    'beats C',
    'beats L',
    'one sentence: CHAIR',
    'Cover',
  ]
  const lines = Object.entries(RECIPES).flatMap(([recipe, label]) => {
    const own = rows.filter((row) => row.recipe === recipe)
    const beaten = (['beatsC', 'beatsL'] as const)
      .map((which) => `${own.filter(({ long }) => long[which]).length} of ${own.length}`)
      .join(' | ')
    const figures = (of: 'long' | 'short', name: keyof Figures) =>
      bySeed(own, (row) => row[of].tuned[name], 1)
    return own.length === 0 ? [] : [line([label, ...cells(figures, beaten)])]
  })
  const before = cells((of, name) => first[of].base[name].toFixed(1), ' | ')
  return [line(head), rule(head.length), line(['before', ...before]), ...lines].join('\n')
}

/** "CHAIR falls by 53 / 51 / 53%, Hal by 49 / 51 / 51% and Cog by 59 / 59 / 60%". */
export function witnessFalls(rows: readonly WitnessRow[], recipe: string): string {
  const own = rows.filter((row) => row.recipe === recipe)
  const fall = (name: 'chair' | 'hal' | 'cog') =>
    bySeed(own, ({ long }) => 100 * (1 - long.tuned[name] / long.base[name]), 0)
  return `CHAIR falls by ${fall('chair')}%, Hal by ${fall('hal')}% and Cog by ${fall('cog')}%`
}

/** What answers of one sentence lose of Cover, in points: "3.7 / 5.5 / 5.0". */
export function shortCoverLost(rows: readonly WitnessRow[], recipe: string): string {
  const own = rows.filter((row) => row.recipe === recipe)
  return bySeed(own, ({ short }) => short.base.cover - short.tuned.cover, 1)
}

/** Which controls are not beaten: "control L in seed 0 and control C in seed 1". */
export function witnessMisses(rows: readonly WitnessRow[], recipe: string): string {
  return rows
    .filter((row) => row.recipe === recipe)
    .flatMap(({ seed, long }) => [
      ...(long.beatsC ? [] : [`control C in seed ${seed}`]),
      ...(long.beatsL ? [] : [`control L in seed ${seed}`]),
    ])
    .join(' and ')
}

function bySeed(rows: readonly WitnessRow[], of: (row: WitnessRow) => number, digits: number): string {
  return rows.map((row) => of(row).toFixed(digits)).join(' / ')
}
