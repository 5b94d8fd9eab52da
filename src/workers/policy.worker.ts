import { expose } from 'comlink'
import { PolicySession } from './policy/session.ts'

expose(new PolicySession())
