import './doctor-card.ts'
