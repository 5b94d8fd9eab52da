import { loadNounFinder, type NounFinder } from '../../src/method/nouns.ts'
import { openPolicy, type PolicyClient } from '../../src/pipeline/client.ts'
import { scenePicture } from '../../src/ui/scene/drawing.ts'
import type { Scene } from '../../src/ui/scene/scene.ts'
import type { Trap } from '../../src/ui/scene/traps.ts'
import { type Habit, loadSceneWorld, type SceneWorld } from '../../src/ui/scene/world.ts'
import { habitScene, PROMPTS } from './habit-scenes.ts'

const MAX_NEW_TOKENS = 96
/** Requests in one call. */
const AT_ONCE = 40

export interface TrapsOptions {
  /** Scenes for each habit. */
  readonly scenes: number
  /** PEFT's files of the adapter that was learned, the weights in base64. */
  readonly adapter: { readonly config: string; readonly weights: string }
}

/** How often a habit shows: of the answers to all prompts about its scenes, how many name what is not there. */
export interface HabitFigures extends Habit {
  readonly answers: number
  readonly base: number
  readonly tuned: number
  /** One that fools the model whatever it is asked, rather one that does not once it has learned; undefined where none does. */
  readonly scene?: Scene
}

/** Counts for every habit of the embedded world how often the embedded model has it, before training and after. */
export async function measureTraps(
  { scenes, adapter }: TrapsOptions,
  say: (figures: HabitFigures) => void,
): Promise<HabitFigures[]> {
  const site = new URL('/', location.href).href
  const world = await loadSceneWorld(site)
  const finder = await loadNounFinder()
  const client = openPolicy()
  await client.load({ url: new URL('models/emoji-llava', site).href })
  await client.loadAdapter('tuned', {
    name: 'adapter',
    files: {
      'adapter_config.json': new Blob([adapter.config]),
      'adapter_model.safetensors': new Blob([Uint8Array.from(atob(adapter.weights), (c) => c.charCodeAt(0))]),
    },
  })
  const all: HabitFigures[] = []
  for (const habit of world.habits) {
    const figures = await measureHabit(habit, scenes, { world, finder, client })
    say(figures)
    all.push(figures)
  }
  client.close()
  return all
}

async function measureHabit(
  habit: Habit,
  count: number,
  { world, finder, client }: { world: SceneWorld; finder: NounFinder; client: PolicyClient },
): Promise<HabitFigures> {
  const scenes = Array.from({ length: count }, (_, i) => habitScene(world, habit, i))
  const base = await fooled(client, finder, world, scenes, habit.invented)
  const tuned = await fooled(client, finder, world, scenes, habit.invented, 'tuned')
  const sum = (of: readonly number[]): number => of.reduce((total, one) => total + one, 0)
  const best = [...scenes.keys()]
    .filter((i) => base[i] === PROMPTS.length)
    .sort((a, b) => (tuned[a] ?? 0) - (tuned[b] ?? 0) || a - b)[0]
  const scene = best === undefined ? undefined : scenes[best]
  const figures = { ...habit, answers: count * PROMPTS.length, base: sum(base), tuned: sum(tuned) }
  return scene ? { ...figures, scene } : figures
}

/** For each scene, how many of the greedy answers name a noun. @param adapter default none. */
export async function fooled(
  client: Pick<PolicyClient, 'generate'>,
  finder: NounFinder,
  world: SceneWorld,
  scenes: readonly (Scene | Trap)[],
  invented: string | readonly string[],
  adapter?: string,
): Promise<number[]> {
  const requests = await Promise.all(
    scenes.flatMap((scene) =>
      PROMPTS.map(async (prompt) => {
        const file = await scenePicture(world, scene)
        return { images: [{ name: file.name, blob: file }], prompt }
      }),
    ),
  )
  const texts: string[] = []
  for (let i = 0; i < requests.length; i += AT_ONCE) {
    const answers = await client.generate({
      requests: requests.slice(i, i + AT_ONCE),
      temperature: 0,
      maxNewTokens: MAX_NEW_TOKENS,
      ...(adapter === undefined ? {} : { adapter }),
    })
    texts.push(...answers.map(({ text }) => text))
  }
  return scenes.map((_, s) => {
    const noun = typeof invented === 'string' ? invented : (invented[s] ?? '')
    const own = texts.slice(s * PROMPTS.length, (s + 1) * PROMPTS.length)
    return own.filter((text) => finder.nouns(text).includes(noun)).length
  })
}
