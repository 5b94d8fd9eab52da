import type { Problem } from '../harness/problem.ts'
import { attentionPlans } from './attention.ts'
import { headPlans } from './head.ts'
import { matmulPlans } from './matmul.ts'
import { normPlans } from './norm.ts'

/** A problem that is not built yet: its inputs can take hundreds of megabytes. */
export interface Plan {
  name: string
  build(): Problem
}

/** Every problem there is, in the order they run; `small` picks a few quick shapes. */
export function allPlans(small: boolean): Plan[] {
  return [...matmulPlans(small), ...normPlans(small), ...attentionPlans(small), ...headPlans(small)]
}
