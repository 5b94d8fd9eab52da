/** A run of words that two texts share, or that only one of them has. */
export interface DiffPiece {
  readonly text: string
  readonly isShared: boolean
}

/** Two texts cut where they part; the pieces of each in order are the text. */
export interface WordDiff {
  readonly first: readonly DiffPiece[]
  readonly second: readonly DiffPiece[]
}

/**
 * Compares two texts word by word, by a longest common subsequence of words and punctuation (spaces go with what is
 * before them).
 * Time and memory are the product of their lengths in words.
 */
export function wordDiff(first: string, second: string): WordDiff {
  const [a, b] = [wordsOf(first), wordsOf(second)]
  const isSame = (i: number, j: number): boolean => a[i]?.trim() === b[j]?.trim()
  /** lengths[i][j]: of the longest common subsequence of a from i on and b from j on. */
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1))
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0
  for (let i = a.length - 1; i >= 0; i--) {
    const row = lengths[i] as Uint32Array
    for (let j = b.length - 1; j >= 0; j--)
      row[j] = isSame(i, j) ? 1 + at(i + 1, j + 1) : Math.max(at(i + 1, j), at(i, j + 1))
  }
  const matches: Match[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (isSame(i, j)) matches.push({ i: i++, j: j++ })
    else if (at(i + 1, j) >= at(i, j + 1)) i++
    else j++
  }
  const kept = tellingRuns(matches, a, b).flat()
  const [sharedA, sharedB] = [new Set(kept.map(({ i }) => i)), new Set(kept.map(({ j }) => j))]
  return { first: pieces(a, sharedA), second: pieces(b, sharedB) }
}

/** Word i of the first text is word j of the second. */
interface Match {
  readonly i: number
  readonly j: number
}

/** Letters below which words shared in the midst of a difference tell nothing: "a", "the", a comma. */
const TELLING = 4

/** Runs of matches, but for those in the midst of a difference that are too short to tell anything. */
function tellingRuns(matches: readonly Match[], a: readonly string[], b: readonly string[]): Match[][] {
  const runs: Match[][] = []
  for (const match of matches) {
    const last = runs.at(-1)?.at(-1)
    if (last && last.i + 1 === match.i && last.j + 1 === match.j) runs.at(-1)?.push(match)
    else runs.push([match])
  }
  return runs.filter((run) => {
    const [first, last] = [run[0], run.at(-1)]
    const isAtStart = first?.i === 0 && first.j === 0
    const isAtEnd = last?.i === a.length - 1 && last.j === b.length - 1
    const letters = run.reduce((sum, { i }) => sum + (a[i]?.match(/[\p{L}\p{N}]/gu)?.length ?? 0), 0)
    return isAtStart || isAtEnd || letters >= TELLING
  })
}

function wordsOf(text: string): string[] {
  return text.match(/^\s+|[\p{L}\p{N}'’-]+\s*|[^\s\p{L}\p{N}]\s*/gu) ?? []
}

/** Neighbours of one kind become one piece. */
function pieces(words: readonly string[], shared: ReadonlySet<number>): DiffPiece[] {
  const found: { text: string; isShared: boolean }[] = []
  words.forEach((text, i) => {
    const isShared = shared.has(i)
    const last = found.at(-1)
    if (last?.isShared === isShared) last.text += text
    else found.push({ text, isShared })
  })
  return found
}
