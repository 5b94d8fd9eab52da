import { expose } from 'comlink'
import { setOnnxThreads } from '../models/onnx.ts'
import { PolicySession } from './policy/session.ts'

// As many as the CLIP worker takes, for the vision encoder: page and GPU need the rest.
setOnnxThreads(Math.max(1, Math.min(4, Math.floor(navigator.hardwareConcurrency / 2))))

expose(new PolicySession())
