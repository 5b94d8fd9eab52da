import './doctor-card.ts'
import './app-page.ts'
