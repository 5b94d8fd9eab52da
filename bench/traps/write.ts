import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Traps } from '../../src/ui/scene/traps.ts'
import { PROMPTS } from './habit-scenes.ts'
import type { HabitFigures, TrapsOptions } from './traps.ts'

const FILE = fileURLToPath(new URL('../../src/ui/scene/traps.json', import.meta.url))
/** A habit that shows more rarely is not offered: most visitors would see nothing. */
const LEAST_SHARE = 0.25

/** @param folder with PEFT's files. */
export function readAdapter(folder: string): TrapsOptions['adapter'] {
  return {
    config: readFileSync(join(folder, 'adapter_config.json'), 'utf8'),
    weights: readFileSync(join(folder, 'adapter_model.safetensors')).toString('base64'),
  }
}

/** Writes the traps that the page offers: those that fool the model, and first those that training cures most. */
export function writeTraps(figures: readonly HabitFigures[]): Traps {
  const traps = figures
    .flatMap(({ scene, ...habit }) =>
      scene && habit.base >= LEAST_SHARE * habit.answers ? [{ ...habit, ...scene }] : [],
    )
    .sort((a, b) => (b.base - b.tuned) / b.answers - (a.base - a.tuned) / a.answers)
  const made = { prompts: PROMPTS, traps }
  writeFileSync(FILE, `${JSON.stringify(made, null, 1)}\n`)
  return made
}

export function formatHabit({ place, trigger, invented, answers, base, tuned, scene }: HabitFigures): string {
  const share = (count: number): string => `${((100 * count) / answers).toFixed(0).padStart(3)}%`
  return `${place.padEnd(8)} ${`${trigger}, no ${invented}`.padEnd(22)} base ${share(base)}  tuned ${share(tuned)}${scene ? '' : '  no scene fools it whatever is asked'}`
}
