/** What shows results, heavy with Plot: the page loads it when a run is first shown. */
import './adapter-evaluations.ts'
import './evaluate-results.ts'
import './pair-panel.ts'
import './pair-results.ts'
import './run-comparison.ts'
import './score-results.ts'
import './train-results.ts'
import './watched-answers.ts'
