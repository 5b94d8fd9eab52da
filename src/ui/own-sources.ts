import type { FolderSpec } from '../data/folder.ts'
import type { ModelRole } from '../pipeline/inspect-model.ts'
import type { RunSources } from '../pipeline/sources.ts'
import { missingPictures, OWN_PICTURES, type OwnPictures } from './own-pictures.ts'
import { OWN_MODELS, ownModelsOf } from './recipe-draft.ts'

/** A model's folder that was given, with what names its files. */
interface GivenModel {
  readonly folder: FolderSpec
  readonly sha256: string
}

/** What a visitor has given, which no recipe carries: pictures and models. */
export interface OwnSources {
  readonly pictures: OwnPictures
  readonly models: Readonly<Partial<Record<ModelRole, GivenModel>>>
}

/** What of a recipe only the visitor can give and has not, in words; empty when there is nothing. */
export function missingSources(recipe: unknown, { pictures, models }: OwnSources): string {
  const missing = missingPictures(recipe, pictures)
  if (missing) return missing
  const model = ownModelsOf(recipe).find(({ role, sha256 }) => models[role]?.sha256 !== sha256)
  if (!model) return ''
  const which = models[model.role] ? 'another model than the one you gave' : 'a model of your own'
  return `This run is with ${which}: choose its folder again, under Models, to go on.`
}

/** What a run is given beside its recipe. @param site address of the page. */
export function runSources(site: string, { pictures, models }: OwnSources): RunSources {
  const { train, measure } = pictures
  const { policy, clip } = models
  return {
    site,
    datasets: {
      ...(train ? { [OWN_PICTURES.train]: train.spec } : {}),
      ...(measure ? { [OWN_PICTURES.measure]: measure.spec } : {}),
    },
    models: {
      ...(policy ? { [OWN_MODELS.policy]: policy.folder } : {}),
      ...(clip ? { [OWN_MODELS.clip]: clip.folder } : {}),
    },
  }
}
