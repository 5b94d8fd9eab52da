import { expose } from 'comlink'
import { setOnnxThreads } from '../models/onnx.ts'
import { PolicySession } from './policy/session.ts'

// For the vision encoder.
setOnnxThreads()

expose(new PolicySession())
