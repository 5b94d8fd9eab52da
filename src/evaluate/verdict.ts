import type { Estimate } from './bootstrap.ts'
import type { CaptionMetrics } from './metrics.ts'

/** Whether a tuned model did more than shorten its captions; where too few captions can be cut the message alone, which says so. */
export interface TruncationVerdict {
  /** At matched Cover it has lower CHAIR and lower Hal. */
  readonly beatsC?: boolean
  /** It has higher Cover than captions cut near its length, and no higher CHAIR. */
  readonly beatsL?: boolean
  /** At matched Cover it has lower CHAIR: what negative controls must not. */
  readonly helps?: boolean
  /** The same in words. */
  readonly message: string
}

/** Controls that cut fewer of the captions than this are hardly other than the base model, in percent. */
const ENOUGH_CUTTABLE = 50
/** A Cover further from the control's than this is not matched, in points. */
const MATCHED_COVER = 1
/** Mean lengths further apart than this are told, in words. */
const MATCHED_WORDS = 1

/**
 * Reads the verdict off the 95% intervals of the tuned model's figures less the controls' (METHOD 4): lower or higher means that
 * the whole interval is.
 * @param cuttable captions of more than one sentence, in percent of all.
 */
export function truncationVerdict(
  minusL: CaptionMetrics,
  minusC: CaptionMetrics,
  cuttable: number,
): TruncationVerdict {
  if (cuttable < ENOUGH_CUTTABLE)
    return {
      message:
        `Whether the gain is more than shortening cannot be told: only ${cuttable.toFixed(0)}% of the captions have a second ` +
        'sentence that could be cut. A prompt that is answered at more length tells it, such as “Describe this image.”',
    }
  // Cutting never covers more: only a control that still covers more than the tuned model is no match for it.
  const isCoverMatched = minusC.cover.value >= -MATCHED_COVER
  const helps = isCoverMatched && isLower(minusC.chair)
  const beatsC = helps && isLower(minusC.hal)
  const beatsL = isHigher(minusL.cover) && !isHigher(minusL.chair)
  return { helps, beatsC, beatsL, message: `${againstC()}; ${againstL()}.` }

  function againstC(): string {
    if (!isCoverMatched)
      return 'It is not shown that the gain is more than shortening: captions that merely lose their last sentence still mention more'
    const mentionsMore = minusC.cover.value > MATCHED_COVER && isHigher(minusC.cover)
    const cut = 'captions that merely lose their last sentence, until they mention as little,'
    if (!helps)
      return mentionsMore
        ? 'The tuned model mentions more of what is there, but is not shown to invent less'
        : `It is not shown that the gain is more than shortening: ${cut} are not shown to invent more`
    const gain = mentionsMore
      ? 'the tuned model mentions more of what is there and invents less'
      : `${cut} invent more`
    return beatsC
      ? `The gain is not shortening: ${gain}`
      : `By CHAIR the gain is not shortening: ${gain}; that fewer captions invent something (Hal) is not shown`
  }
  function againstL(): string {
    const words = minusL.meanLength.value
    const length = `${Math.abs(words).toFixed(1)} words ${words > 0 ? 'shorter' : 'longer'}`
    const note = Math.abs(words) > MATCHED_WORDS ? ` (which came out ${length})` : ''
    const cut = `captions cut at the sentence end nearest to its length${note}`
    if (!isHigher(minusL.cover)) return `the tuned model is not shown to mention more than ${cut}`
    return `the tuned model mentions more than ${cut}${beatsL ? ' and is not shown to invent more' : ', but invents more as well'}`
  }
}

function isLower({ high }: Estimate): boolean {
  return high < 0
}

function isHigher({ low }: Estimate): boolean {
  return low > 0
}
