import './losable-device.ts'
import '../../src/workers/policy.worker.ts'
