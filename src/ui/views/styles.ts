import styles from './views.css?inline'

/** What the views need of style, for the shadow root or the document they are put in. */
export const VIEW_STYLES: string = styles
