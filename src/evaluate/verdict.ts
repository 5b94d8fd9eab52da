import type { Estimate } from './bootstrap.ts'
import type { CaptionMetrics } from './metrics.ts'

/** Whether a tuned model did more than shorten its captions. */
export interface TruncationVerdict {
  /** At matched Cover it has lower CHAIR and lower Hal. */
  readonly beatsC: boolean
  /** At matched length it has higher Cover and no higher CHAIR. */
  readonly beatsL: boolean
  /** At matched Cover it has lower CHAIR: what negative controls must not. */
  readonly helps: boolean
  /** The same in words. */
  readonly message: string
}

/** A Cover further from the control's than this is not matched, in points. */
const MATCHED_COVER = 1
/** Captions cut short that are more than this many words shorter than the tuned ones are not of their length. */
const MATCHED_WORDS = 1

/**
 * Reads the verdict off the 95% intervals of the tuned model's figures less the controls' (METHOD 4): lower or higher means that
 * the whole interval is.
 */
export function truncationVerdict(minusL: CaptionMetrics, minusC: CaptionMetrics): TruncationVerdict {
  // Cutting never covers more: only a control that still covers more than the tuned model is no match for it.
  const isCoverMatched = minusC.cover.value >= -MATCHED_COVER
  const helps = isCoverMatched && isLower(minusC.chair)
  const beatsC = helps && isLower(minusC.hal)
  const isLengthMatched = minusL.meanLength.value <= MATCHED_WORDS
  const beatsL = isLengthMatched && isHigher(minusL.cover) && !isHigher(minusL.chair)
  return { helps, beatsC, beatsL, message: `${againstC()}; ${againstL()}.` }

  function againstC(): string {
    if (minusC.cover.value > MATCHED_COVER)
      return beatsC
        ? 'The gain is not shortening: the tuned model mentions more of what is there and invents less'
        : 'The tuned model mentions more of what is there, but does not invent less'
    if (beatsC)
      return 'The gain is not shortening: captions that merely lose their last sentence, until they mention as little, invent more'
    return isCoverMatched
      ? 'The gain is shortening: captions that merely lose their last sentence, until they mention as little, invent no more'
      : 'It is not shown that the gain is more than shortening: captions that merely lose their last sentence still mention more'
  }
  function againstL(): string {
    if (beatsL) return 'at the same length the tuned model mentions more and invents no more'
    return isLengthMatched
      ? 'at the same length it does not mention more without inventing more'
      : 'captions cut short came out shorter than the tuned ones, which says nothing about the same length'
  }
}

function isLower({ high }: Estimate): boolean {
  return high < 0
}

function isHigher({ low }: Estimate): boolean {
  return low > 0
}
