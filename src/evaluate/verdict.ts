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
  const againstC = beatsC
    ? 'At the same Cover the tuned model invents less than captions that merely lose their last sentence'
    : isCoverMatched
      ? 'The gain is shortening: at the same Cover, captions that merely lose their last sentence invent no more'
      : 'Whether the gain is more than shortening is not shown: captions that lose their last sentence still cover more'
  const againstL = beatsL
    ? 'at the same length it covers more and invents no more than captions cut short'
    : isLengthMatched
      ? 'at the same length it does not cover more than captions cut short without inventing more'
      : 'captions cut short came out shorter than the tuned ones, which says nothing about the same length'
  const unmatched =
    Math.abs(minusC.cover.value) > MATCHED_COVER
      ? ` Cutting could not bring the Cover nearer to the tuned model's than ${points(minusC.cover)} points.`
      : ''
  const figures = `CHAIR ${points(minusC.chair)}, Hal ${points(minusC.hal)}`
  return { helps, beatsC, beatsL, message: `${againstC} (${figures}); ${againstL}.${unmatched}` }
}

function isLower({ high }: Estimate): boolean {
  return high < 0
}

function isHigher({ low }: Estimate): boolean {
  return low > 0
}

/** "-1.2 [-2.0, -0.4]" */
function points({ value, low, high }: Estimate): string {
  return `${value.toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}]`
}
