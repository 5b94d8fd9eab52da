import type { Problem } from '../harness/problem.ts'
import { adamWPlans } from './adamw.ts'
import { attentionPlans } from './attention.ts'
import { elementwisePlans } from './elementwise.ts'
import { headPlans } from './head.ts'
import { loraPlans } from './lora.ts'
import { matmulPlans } from './matmul.ts'
import { normPlans } from './norm.ts'

/** A problem that is not built yet: its inputs can take hundreds of megabytes. */
export interface Plan {
  name: string
  build(): Problem
}

const SUITES = [matmulPlans, normPlans, attentionPlans, headPlans, loraPlans, adamWPlans, elementwisePlans]

/** Every problem there is, in the order they run; `small` picks a few quick shapes. */
export function allPlans(small: boolean): Plan[] {
  return SUITES.flatMap((plans) => plans(small))
}
