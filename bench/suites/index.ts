import type { Plan, PlanOptions } from '../harness/problem.ts'
import { adamWPlans } from './adamw.ts'
import { attentionPlans } from './attention.ts'
import { elementwisePlans } from './elementwise.ts'
import { headPlans } from './head.ts'
import { loraPlans } from './lora.ts'
import { matmulPlans } from './matmul.ts'
import { normPlans } from './norm.ts'

const SUITES = [matmulPlans, normPlans, attentionPlans, headPlans, loraPlans, adamWPlans, elementwisePlans]

/** Every problem there is, in the order they run. */
export function allPlans(options: PlanOptions): Plan[] {
  return SUITES.flatMap((plans) => plans(options))
}
