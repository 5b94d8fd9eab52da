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
  const sharedA = new Set<number>()
  const sharedB = new Set<number>()
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (isSame(i, j)) {
      sharedA.add(i++)
      sharedB.add(j++)
    } else if (at(i + 1, j) >= at(i, j + 1)) i++
    else j++
  }
  return { first: pieces(a, sharedA), second: pieces(b, sharedB) }
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
