import { unsafeCSS } from 'lit'
import { VIEW_STYLES } from './views/styles.ts'

/** What the views need of style, for a component that shows some. */
export const viewStyles = unsafeCSS(VIEW_STYLES)
