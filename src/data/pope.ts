import { baseName } from './paths.ts'

/** Which of POPE's files one is, such as `adversarial` for `coco_pope_adversarial.json`; undefined for another file. */
export function popeSplit(path: string): string | undefined {
  return /(?:^|_)pope_([a-z]+)\.jsonl?$/i.exec(baseName(path))?.[1]?.toLowerCase()
}
