import { describePlantedDivergence } from './planted-divergence.ts';

describePlantedDivergence('reconciled', 3_000);
